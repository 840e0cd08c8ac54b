"""Any other call of Populr's API."""

from daemon.connectors.populr import client as populr
from daemon.contract import declare, requests
from daemon.model.runs import Doubt


@declare.action(
    "populr.request",
    doubt=Doubt.UNSAFE,
    why=requests.WHY_BY_METHOD,
    doubt_of=requests.doubt_by_method,
)
async def request(
    client: populr.PopulrClient, parameters: requests.Request, call: declare.Call
) -> declare.Done[requests.Answer]:
    """Call any path of Populr's API; `error_type` in the answer is a failure whatever its status."""
    reply = await client.call(
        parameters.method,
        parameters.path,
        query=parameters.query,
        json=parameters.json_,
        form=parameters.form,
        files=requests.read_files(parameters.files),
    )
    return declare.Done(requests.answer(reply))
