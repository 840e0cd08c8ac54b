"""Any other call of Popily's API."""

from daemon.connectors.popily import client as popily
from daemon.contract import declare, requests
from daemon.model.runs import Doubt


@declare.action(
    "popily.request",
    doubt=Doubt.UNSAFE,
    why=requests.WHY_BY_METHOD,
    doubt_of=requests.doubt_by_method,
)
async def request(
    client: popily.PopilyClient, parameters: requests.Request, call: declare.Call
) -> declare.Done[requests.Answer]:
    """Call any path of Popily's API; every path ends in a slash."""
    reply = await client.call(
        parameters.method,
        parameters.path,
        query=parameters.query,
        json=parameters.json_,
        form=parameters.form,
        files=requests.read_files(parameters.files),
    )
    return declare.Done(requests.answer(reply))
