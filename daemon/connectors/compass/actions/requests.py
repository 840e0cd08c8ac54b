"""``compass.request``: any path of the service."""

from daemon.connectors.compass import client as vendor
from daemon.contract import declare, requests
from daemon.model.runs import Doubt


@declare.action(
    "compass.request",
    doubt=Doubt.UNSAFE,
    why=requests.WHY_BY_METHOD,
    doubt_of=requests.doubt_by_method,
)
async def request(
    client: vendor.CompassClient, parameters: requests.Request, call: declare.Call
) -> declare.Done[requests.Answer]:
    """Call any path of the service; its slashes are put right: single ones, and one at the end."""
    reply = await client.send(
        parameters.method,
        parameters.path,
        query=parameters.query,
        json=parameters.json_,
        form=parameters.form,
        files=requests.read_files(parameters.files),
    )
    return declare.Done(requests.answer(reply))
