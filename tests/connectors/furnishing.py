"""Things to look at, for every watch there is: made in the simulated services by the connectors' own actions."""

from typing import Any

from daemon import connectors
from tests.connectors import stub

CATALOG = connectors.discover()


async def act(client: Any, name: str, /, **given: Any) -> Any:
    action = CATALOG.actions[name]
    return await action.call(client, action.parameters.model_validate(given), stub.call_of())


async def furnish_populr(client, sandbox):
    """A published pop with an opened tracer."""
    template = next(iter(sandbox.populr.templates.values()))
    tags = {"city": "Bergen", "signups": 17}
    pop = await act(client, "populr.create_pop", template_id=template["_id"], populate_tags=tags)
    tracer = await act(client, "populr.create_tracer", pop_id=pop.result.id, name="ada")
    await act(client, "populr.publish_pop", pop_id=pop.result.id)
    sandbox.calls.open(pop.result.id, tracer.result.id, 2, 1, {"http://a.example/": 1}, {})
    return {"tracers": {"pop_id": pop.result.id}, "pops": {"template_id": template["_id"]}}


async def furnish_popily(client, sandbox):
    """A source that is being built."""
    await act(client, "popily.add_source", rows=[{"city": "Bergen"}])
    return {"sources": {}}


async def furnish_compass(client, sandbox):
    """A classifier in training, a topic and a message, in the project that is there."""
    project_id = next(iter(sandbox.compass.projects))
    documents = [{"text": f"note {n}", "label": ("good", "bad")[n % 2]} for n in range(20)]
    await act(client, "compass.add_documents", project_id=project_id, documents=documents)
    await act(client, "compass.create_classifier", project_id=project_id, name="c", type="voting")
    terms = {"terms": {"price": 1.0}}
    await act(client, "compass.create_topic", project_id=project_id, title="prices", info=terms)
    await act(client, "compass.post_messages", project_id=project_id, messages=[{"text": "a price"}])
    of_project = {"project_id": project_id}
    return dict.fromkeys(("classifiers", "topics", "messages", "stats"), of_project)


async def furnish_tonalytica(client, sandbox):
    """A job of the first query there is, whose result comes later."""
    query_id = next(iter(sandbox.tonalytica.queries))
    done = await act(client, "tonalytica.execute_query", query_id=query_id)
    return {"jobs": {"ids": [done.follow.id]}, "queries": {"ids": [query_id], "key": ["city"]}}


async def furnish_plotly(client, sandbox):
    """A grid in a folder."""
    await act(client, "plotly.create_grid", filename="reports/cities", columns={"city": ["Bergen"]})
    return {"files": {"folder": "reports"}}


FURNISH = {
    "populr": furnish_populr,
    "popily": furnish_popily,
    "compass": furnish_compass,
    "tonalytica": furnish_tonalytica,
    "plotly": furnish_plotly,
}
