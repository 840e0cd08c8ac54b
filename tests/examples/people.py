"""What people have done at the services before an example begins, and what they do while it runs.

They use the services as everybody does: by requests, with credentials.
"""

import base64
from typing import Any

from daemon.sandbox import compass, exchange
from daemon.sandbox.server import Sandbox

TEMPLATE_ID = "51536582dd02dcccf9000001"
PROJECT_ID = compass.PROJECT_ID
QUERY_ID = 17


def do(sandbox: Sandbox, kind: str, method: str, path: str, body: Any = None) -> Any:
    """The body of the answer of a service of *kind*; a refusal is an error."""
    ask = exchange.Ask(
        method=method,
        path=path,
        headers=_credentials(sandbox, kind),
        body=body,
        content_type="application/json" if body is not None else "",
    )
    return sandbox.services[kind].answer(ask).body


def _credentials(sandbox: Sandbox, kind: str) -> dict[str, str]:
    if kind == "populr":
        return {"Authorization": "Basic " + base64.b64encode(f"{sandbox.populr.api_key}:".encode()).decode()}
    if kind == "tonalytica":
        return {"Authorization": f"Key {sandbox.tonalytica.api_key}"}
    if kind == "compass":
        return {"Authorization": f"Token {sandbox.compass.login(compass.USERNAME)['token']}"}
    both = f"{sandbox.plotly.username}:{sandbox.plotly.api_key}"
    encoded = base64.b64encode(both.encode()).decode()
    return {"Authorization": f"Basic {encoded}", "Plotly-Client-Platform": "Tests 1.0"}


def make_proposal_template(sandbox: Sandbox) -> None:
    """The template has the tags of a proposal."""
    sandbox.populr.templates[TEMPLATE_ID].update(name="Proposal", api_tags=["customer", "amount"])


def make_page(sandbox: Sandbox, name: str, *, tracer: bool = True) -> tuple[str, str]:
    """A published page with a tracer: the ids of both ("" for no tracer)."""
    tags = dict.fromkeys(sandbox.populr.templates[TEMPLATE_ID]["api_tags"], "x")
    wanted = {"pop": {"template_id": TEMPLATE_ID, "name": name}, "populate_tags": tags}
    pop_id = do(sandbox, "populr", "POST", "/pops", wanted)["_id"]
    do(sandbox, "populr", "POST", f"/pops/{pop_id}/publish")
    made = do(sandbox, "populr", "POST", f"/pops/{pop_id}/tracers", {"name": "ada"}) if tracer else {}
    return pop_id, str(made.get("_id", ""))


def make_grid(sandbox: Sandbox, *names: str) -> str:
    """An empty grid with the columns *names*; its fid."""
    columns = {name: {"data": [], "order": number} for number, name in enumerate(names)}
    body = {"data": {"cols": columns}, "filename": "log", "world_readable": False}
    fid: str = do(sandbox, "plotly", "POST", "/grids", body)["file"]["fid"]
    return fid


def make_plot(sandbox: Sandbox) -> str:
    """A plot of an empty grid; its fid."""
    file = do(sandbox, "plotly", "GET", f"/grids/{make_grid(sandbox, 'x', 'y')}")
    x, y = (f"{file['fid']}:{column['uid']}" for column in file["cols"])
    figure = {"data": [{"type": "bar", "xsrc": x, "ysrc": y}], "layout": {}}
    fid: str = do(sandbox, "plotly", "POST", "/plots", {"figure": figure, "filename": "signups"})["file"][
        "fid"
    ]
    return fid


def cells(sandbox: Sandbox, fid: str) -> dict[str, list[Any]]:
    """The cells of a grid by column."""
    return {column["name"]: column["data"] for column in sandbox.plotly.files[fid]["columns"]}


def add_documents(sandbox: Sandbox, count: int, dataset: str = "tickets") -> None:
    """Labelled documents for training."""
    given = [
        {"text": f"the {label} number {n}", "label": label, "dataset": dataset}
        for n in range(count // 2)
        for label in ("refund", "praise")
    ]
    do(sandbox, "compass", "POST", f"/projects/{PROJECT_ID}/p/documents/", given)


def write_messages(sandbox: Sandbox, *texts: str) -> None:
    """Messages, written now."""
    given = [{"text": text, "timestamp": sandbox.compass.stamp()} for text in texts]
    do(sandbox, "compass", "POST", f"/projects/{PROJECT_ID}/p/messages/", given)


def execute(sandbox: Sandbox, *rows: dict[str, Any]) -> None:
    """Somebody executes the query: its newest result holds *rows*."""
    sandbox.tonalytica.durations.update(pending=0, running=0)
    sandbox.tonalytica.plans[QUERY_ID] = {"rows": list(rows)}
    do(sandbox, "tonalytica", "POST", f"/api/queries/{QUERY_ID}/results", {"max_age": 0})
    result_id = do(sandbox, "tonalytica", "GET", f"/api/queries/{QUERY_ID}")["latest_query_data_id"]
    assert sandbox.tonalytica.results[result_id]["data"]["rows"] == list(rows)
