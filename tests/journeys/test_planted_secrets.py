"""Secrets planted wherever a vendor or a user may put one, and looked for wherever they could come out.

Every door is gone through: answers of actions, errors, polls, callbacks, refusals, parameters, the config itself.
"""

import json
from typing import Any

import pytest

from daemon.intake import verifying
from tests import waiting
from tests.journeys import canaries, daemons
from tests.journeys.canaries import QUICK, TEMPLATE_ID, canary, database, plant, request
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step


def page(*found: Any) -> dict[str, Any]:
    return {"count": len(found), "next": None, "previous": None, "results": list(found)}


SOURCE = {
    "id": 7,
    "title": "Sales",
    "status": "finished",
    "connection_string": f"host=db user=reader password={canary('dsn')}",
    "url": f"https://reader:{canary('source-url')}@files.example/sales.csv?sig={canary('source-sig')}",
}
INSIGHT = {
    "id": 8,
    "source": 7,
    "embed_url": f"https://popily.example/widget/{canary('embed-path')}/?sig={canary('embed-sig')}&timestamp=1",
}
POP = {
    "_id": "51536c6add02dc42d9000005",
    "name": "Offer",
    "title": "An offer",
    "slug": "offer",
    "template_id": TEMPLATE_ID,
    "created_at": "2013-03-27T22:02:18Z",
    "published_pop_url": "http://acme.populr.me/offer",
    "password": canary("pop-password"),
    "clone_link_url": f"https://populr.example/clone/{canary('clone-link')}",
    "collaboration_link_url": f"https://populr.example/edit/{canary('collaboration-link')}",
    "collaboration_webhook": f"https://hooks.example/{canary('collaboration-hook')}",
    "tracers": [],
}
TRACER = {"_id": "t1", "name": "ada", "notify_webhook": f"https://hooks.example/{canary('tracer-hook')}"}
QUERY = {
    "id": 7,
    "name": "q",
    "query": "select 1",
    "options": {},
    "version": 1,
    "api_key": canary("query-key"),
}
BOARD = {
    "id": 3,
    "slug": "b",
    "name": "b",
    "version": 1,
    "widgets": [{"visualization": {"query": QUERY}}],
    "api_key": canary("board-key"),
    "public_url": f"https://redash.example/public/dashboards/{canary('public-url')}",
}
TOKEN = {"token": canary("compass-token"), "user": "ada@example.com", "expiration": "2030-01-01T00:00:00Z"}
FILE = {
    "fid": "ada:7",
    "filename": "f",
    "filetype": "grid",
    "share_key": canary("share-key"),
    "web_url": f"https://plots.example/~ada/7/?share_key={canary('share-key-url')}",
    "embed_url": f"https://plots.example/~ada/7.embed?share_key={canary('share-key-embed')}&link=false",
    "cols": {"a": {"data": [1], "order": 0, "uid": "x"}},
}
# action, its parameters, method and path of the call, what the vendor answers
ANSWERS: list[tuple[str, str, str, str, Any]] = [
    ("popily.list_sources", "", "GET", "*/sources/", page(SOURCE)),
    ("popily.get_source", "source_id = 7", "GET", "*/sources/7/", SOURCE),
    ("popily.list_insights", "source = 7", "GET", "*/insights/", page(INSIGHT)),
    ("popily.get_insight", "insight_id = 8", "GET", "*/insights/8/", INSIGHT),
    ("popily.request", 'path = "/deep/"', "GET", "*/deep/", {"a": [{"b": {**SOURCE, "insight": INSIGHT}}]}),
    ("populr.list_pops", "", "GET", "*/pops", [POP]),
    ("populr.get_pop", f'pop_id = "{POP["_id"]}"', "GET", f"*/pops/{POP['_id']}", POP),
    ("populr.get_tracer", 'pop_id = "p", tracer_id = "t1"', "GET", "*/tracers/t1", TRACER),
    ("populr.request", 'path = "/deep"', "GET", "*/deep", {"pop": POP, "tracers": [TRACER]}),
    ("tonalytica.get_query", "query_id = 7", "GET", "*/queries/7", QUERY),
    ("tonalytica.list_queries", "", "GET", "*/queries", {**page(QUERY), "page": 1, "page_size": 25}),
    ("tonalytica.get_dashboard", "dashboard_id = 3", "GET", "*/dashboards/3", BOARD),
    ("tonalytica.request", 'path = "/deep"', "GET", "*/deep", {"boards": [BOARD]}),
    ("compass.list_tokens", "", "GET", "*/tokens/", page(TOKEN)),
    (
        "compass.request",
        'path = "/deep/"',
        "GET",
        "*/deep/",
        {"logins": [TOKEN], "password": canary("temporary")},
    ),
    ("compass.reset_password", 'email = "b@example.com"', "POST", "*/reset/", {"password": canary("reset")}),
    ("plotly.get_file", 'fid = "ada:7"', "GET", "*/files/ada:7", FILE),
    ("plotly.lookup_file", 'path = "f"', "GET", "*/files/lookup", FILE),
    ("plotly.request", 'path = "/deep"', "GET", "*/deep", {"children": page(FILE)}),
]


async def test_what_vendors_answer_is_shown_without_its_secrets(daemon: Daemon) -> None:
    for action, _, method, path, body in ANSWERS:
        headers = {"Content-Type": "application/json"}
        plant(daemon, action.partition(".")[0], method, path, body, headers=headers)
    steps = [step(action, given) for action, given, *_ in ANSWERS]
    daemon.configure(*(reaction(f"look-{n}", "order.came", one, retry=QUICK) for n, one in enumerate(steps)))
    await daemon.start()
    await daemon.order(n=1)
    for n in range(len(steps)):
        await daemon.until_runs(f"look-{n}", "succeeded")
    assert daemon.sandbox.faults.read() == []
    assert str(daemon.rows("SELECT response FROM steps")).count("[blanked]") > len(steps)
    assert await canaries.leaks(daemon) == {}


TROUBLE = {
    "detail": f"cannot read {database('error-userinfo')}",
    "message": f"see https://x.example/a?b=1&api_key={canary('error-query')}#there",
    "error": f'the fields {{"password": "{canary("error-member")}", "n": 1}} do not fit',
    "connection_string": [f"host=db password={canary('error-dsn')} is not reachable"],
    "errors": [{"message": f"token={canary('error-pair')} has ended"}],
    "non_field_errors": [f"postgresql://ada:p/{canary('error-odd-password')}@db/x"],
}


@pytest.mark.parametrize("form", ["json", "page"])
async def test_what_vendors_complain_of_is_shown_without_secrets(daemon: Daemon, form: str) -> None:
    kinds = sorted(daemon.sandbox.urls)
    body = TROUBLE if form == "json" else f"<html><p>{json.dumps(TROUBLE)}</p></html>"
    for kind in kinds:
        plant(daemon, kind, "GET", "*/broken*", body, 503)
        plant(daemon, kind, "GET", "*/broken*", body, 400)
    told = reaction("told", "pointsman.run.dead", step("log.write", 'message = "{{ event.data.error }}"'))
    daemon.configure(*(reaction(kind, "order.came", request(kind), retry=QUICK) for kind in kinds), told)
    await daemon.start()
    await daemon.order(n=1)
    for kind in kinds:
        await daemon.until_runs(kind, "dead")
    await daemon.until_runs("told", *["succeeded"] * len(kinds))
    assert daemon.sandbox.faults.read() == []
    assert await canaries.leaks(daemon) == {}


def watch(service: str, resource: str, **keys: object) -> str:
    written = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    return (
        f'[[watch]]\nname = "{resource}"\nservice = "{service}"\nresource = "{resource}"\n'
        f'every = "200ms"\nbackfill = true\n{written}'
    )


async def test_what_polls_find_is_remembered_and_told_without_its_secrets(daemon: Daemon) -> None:
    always: dict[str, Any] = {"times": None, "headers": {"Content-Type": "application/json"}}
    plant(daemon, "popily", "GET", "*/sources/", page(SOURCE), **always)
    plant(daemon, "populr", "GET", "*/pops", [POP], times=1)
    plant(daemon, "populr", "GET", "*/pops*", [], **always)
    plant(daemon, "plotly", "GET", "*/folders/all", {"children": page(FILE)}, **always)
    plant(daemon, "tonalytica", "POST", "*/queries/17/results", TROUBLE, 400, times=None)
    daemon.configure(
        watch("popily", "sources"),
        watch("populr", "pops", template_id=TEMPLATE_ID),
        watch("plotly", "files"),
        watch("tonalytica", "queries", ids=[17], max_age=0),
        reaction("told", "*", step("log.write", 'message = "seen", fields = "{{ event.data }}"')),
    )
    await daemon.start()
    await daemon.until_events("popily.source.added")
    await daemon.until_events("populr.pop.created")
    await daemon.until_events("plotly.file.added")
    failing = await daemon.until_events("pointsman.watch.failing", 2)
    assert "queries" in {event["subject"] for event in failing}
    await waiting.wait_for(lambda: len(daemon.runs("told")) >= 3, PATIENCE, "all runs")
    assert await canaries.leaks(daemon) == {}


CALLBACK = {
    "group": {"id": "g", "name": "Acme"},
    "pop": {**POP, "id": POP["_id"]},
    "tracer": {"name": "ada", "code": "tc", "analytics": {"views": 3, "clicks": 0}},
    "token": canary("callback-token"),
}
ORDER = {
    "password": canary("order-password"),
    "nested": [{"Api_Key": canary("order-key"), "link": f"https://x.example/?token={canary('order-link')}"}],
    "from": f"sftp://shop:{canary('order-userinfo')}@files.example/in",
    f"https://x.example/?sig={canary('order-in-a-key')}": 1,
}
BAD_BODIES = [
    f'{{"password": "{canary("cut-off")}',
    f'{{"password": "{canary("not-json")}", oops}}',
    f'{{"a": {{"connection_string": "{database("wrong-shape")}"}}}}',
    f'["https://x.example/?api_key={canary("wrong-list")}"]',
]


async def post(daemon: Daemon, path: str, body: str, **headers: str) -> int:
    url = f"http://127.0.0.1:{daemon.public}{path}"
    async with daemon.session.post(url, data=body.encode(), headers=headers) as answer:
        await answer.read()
        return answer.status


@pytest.mark.parametrize("readback", [True, False])
async def test_what_is_posted_is_kept_without_its_secrets(daemon: Daemon, readback: bool) -> None:
    daemon.configure(
        reaction("kept", "order.came", step("state.set", 'key = "order", value = "{{ event.data }}"'))
    )
    if not readback:
        text = daemon.config.read_text().replace(
            "[services.populr]\n", "[services.populr]\nreadback = false\n"
        )
        daemon.config.write_text(text)
    await daemon.start()
    hooks = [
        verifying.callback_path(daemons.WEBHOOK_SECRET, "populr", hook)
        for hook in ("tracer", "collaboration")
    ]
    await daemon.order(**ORDER)
    assert (
        await post(
            daemon,
            f"{hooks[0]}?pop={POP['_id']}&tracer=t1&token={canary('callback-query')}",
            json.dumps(CALLBACK),
        )
        == 202
    )
    assert await post(daemon, hooks[1], json.dumps({**POP, "id": POP["_id"]})) == 202
    for hook in hooks:
        for bad in BAD_BODIES:
            assert await post(daemon, hook, bad) in (400, 422)
    for bad in BAD_BODIES[:2]:
        assert await post(daemon, "/hooks/orders", bad, Authorization=f"Bearer {daemons.SENDER_TOKEN}") == 400
    assert await post(daemon, "/hooks/orders", "{}", Authorization=f"Bearer {canary('wrong-bearer')}") == 401
    assert await post(daemon, f"/hooks/orders?token={canary('sender-query')}", "{}") == 401
    for path in (hooks[0] + "/more", hooks[0].upper(), "/" + hooks[0], f"/x/{canary('stray-path')}@"):
        assert await post(daemon, path, "{}") == 404
    await daemon.until_runs("kept", "succeeded")
    tokens = [hook.rpartition("/")[2] for hook in hooks]
    known = [*tokens, daemons.SENDER_TOKEN, daemons.WEBHOOK_SECRET]
    assert len(daemon.rows("SELECT * FROM rejections")) >= 2 * len(BAD_BODIES)
    found = await canaries.leaks(daemon, *known)
    assert found == {}
