"""Secrets that a config has: its own, and those that steps carry. None stands anywhere but in the config.

What is planted and how it is looked for stands in ``canaries``.
"""

import contextlib
from pathlib import Path

import aiohttp
import pytest

from daemon.sandbox import faults
from tests import waiting
from tests.cli.desk import Desk
from tests.connectors import stub
from tests.journeys import canaries, daemons
from tests.journeys.canaries import QUICK, TEMPLATE_ID, canary, database, plant, request
from tests.journeys.daemons import Daemon, reaction, step

PARAMETERS = {
    "POP_PASSWORD": canary("param-pop-password"),
    "CONNECTION": database("param-connection"),
    "NEW_PASSWORD": canary("param-new-password"),
    "SHARE_KEY": canary("param-share-key"),
    "A_TOKEN": canary("param-token"),
    "SHOP_KEY": canary("param-header"),
}
ECHO = {
    "access_token": canary("echo"),
    "password": canary("echo-password"),
    "a": f"https://a.b/?sig={canary('sig')}",
}


def speaking(host: str) -> list[tuple[str, str]]:
    """Steps that carry secrets in every way that a config has, and what becomes of their runs."""
    link = f"https://reader:{canary('link-userinfo')}@x.example/?password={canary('link-query')}"
    body = f'json = {{ api_key = "{canary("json")}", deep = [{{ token = "{canary("json-deep")}" }}] }}'
    call = f'url = "{host}/a?token={canary("url")}", query = {{ api_key = "{canary("query")}" }}'
    header = 'secret_headers = { Authorization = { env = "SHOP_KEY" } }'
    pop = f'{{ pop = {{ template_id = "{TEMPLATE_ID}", password = "{canary("lost-password")}" }} }}'
    return [
        (
            "succeeded",
            step(
                "populr.create_pop", f'template_id = "{TEMPLATE_ID}", password = {{ env = "POP_PASSWORD" }}'
            ),
        ),
        (
            "succeeded",
            step("popily.add_source", 'connection_string = { env = "CONNECTION" }, query = "select 1"'),
        ),
        (
            "dead",
            step(
                "compass.reset_password",
                'email = "nobody@x.example", new_password = { env = "NEW_PASSWORD" }',
            ),
        ),
        ("dead", step("compass.get_token", 'token = { env = "A_TOKEN" }')),
        ("dead", step("plotly.get_grid", 'fid = "ada:99", share_key = { env = "SHARE_KEY" }')),
        ("succeeded", step("http.request", f'method = "PUT", {call}, {body}, {header}')),
        ("dead", step("http.request", 'url = "{{ event.data.address }}"')),
        (
            "succeeded",
            step("log.write", f'message = "see {link}", fields = {{ password = "{canary("field")}" }}'),
        ),
        (
            "succeeded",
            step(
                "event.emit", f'type = "it.went", subject = "{link}", data = {{ token = "{canary("data")}" }}'
            ),
        ),
        ("succeeded", step("state.set", f'key = "k", value = {{ password = "{canary("state")}", n = 1 }}')),
        ("in_doubt", step("populr.request", f'method = "POST", path = "/pops", json = {pop}')),
    ]


async def test_what_steps_are_given_is_written_down_without_secrets(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in PARAMETERS.items():
        monkeypatch.setenv(name, text)
    async with stub.serving() as echo:
        echo.answer(ECHO, Set_Cookie=f"session={canary('cookie')}")
        steps = speaking(echo.url)
        daemon.configure(*(reaction(f"say-{n}", "order.came", one) for n, (_, one) in enumerate(steps)))
        host = echo.url.removeprefix("http://")
        text = daemon.config.read_text().replace(
            "[http]\n", f'[http]\nallow_hosts = ["{host}", "127.0.0.1:1"]\n', 1
        )
        daemon.config.write_text(text)
        daemon.sandbox.faults.add(faults.Fault("populr", "drop_after", method="POST", path="*/pops", after=1))
        await daemon.start()
        await daemon.order(address=f"https://reader:{canary('own-userinfo')}@127.0.0.1:1/")
        for n, (status, _) in enumerate(steps):
            await daemon.until_runs(f"say-{n}", status)
        (asked,) = echo.asked
        assert asked.headers["authorization"] == PARAMETERS["SHOP_KEY"]
        assert canary("query") in asked.path
        assert await canaries.leaks(daemon, *PARAMETERS.values()) == {}


async def test_addresses_that_people_are_told_things_at_are_kept_nowhere(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {
        "told": (200, "succeeded"),
        "refused": (404, "dead"),
        "lost": (502, "in_doubt"),
        "gone": (0, "dead"),
    }
    async with contextlib.AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(stub.serving()) for name in ends if name != "gone"}
        for name, served in servers.items():
            served.answer(f"{canary(f'path-{name}')} {canary(f'query-{name}')}".encode(), ends[name][0])
        hosts = {name: served.url.removeprefix("http://") for name, served in servers.items()}
        for name in ends:
            place = f"{hosts.get(name, '127.0.0.1:1')}/{canary(f'path-{name}')}?-k={canary(f'query-{name}')}"
            monkeypatch.setenv(f"{name.upper()}_NOTICES", f"json://ada:{canary(f'password-{name}')}@{place}")
        told = 'to = "{}", title = "Order {{{{ event.data.n }}}}", body = "it came"'
        daemon.configure(
            *(
                reaction(name, "order.came", step("notify.send", told.format(name)), retry=QUICK)
                for name in ends
            )
        )
        named = "".join(f'{name} = {{ env = "{name.upper()}_NOTICES" }}\n' for name in ends)
        daemon.config.write_text(f"{daemon.config.read_text()}\n[notify]\n{named}")
        await daemon.start()
        await daemon.order(n=7)
        for name, (_, status) in ends.items():
            await daemon.until_runs(name, status)
        (asked,) = servers["told"].asked
        assert canary("path-told") in asked.path
        assert canary("query-told") in asked.path
        assert asked.json["title"] == "Order 7"
        assert await canaries.leaks(daemon) == {}


async def is_ready(daemon: Daemon, token: str) -> bool:
    """Whether the admin side answers to *token*, and well."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with daemon.session.get(f"http://127.0.0.1:{daemon.admin}/readyz", headers=headers) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_what_the_config_holds_is_nowhere_else(daemon: Daemon) -> None:
    known = [pair for one in daemon.sandbox.credentials.values() for pair in one.items()]
    own = {text for name, text in known if name in ("api_key", "token", "password")}
    kinds = sorted(daemon.sandbox.urls)
    for kind in kinds:
        quoted = {"detail": f"not allowed: {own}", "message": f"{own}"}
        plant(daemon, kind, "GET", "*/broken*", quoted, 400)
    daemon.configure(*(reaction(kind, "order.came", request(kind), retry=QUICK) for kind in kinds))
    text = daemon.config.read_text().replace("[http]\n", f'[http]\nadmin_token = "{canary("admin")}"\n', 1)
    daemon.config.write_text(text)
    daemon.spawn()
    await waiting.wait_for(lambda: is_ready(daemon, canary("admin")), daemons.READY_SECONDS, "a ready daemon")
    assert not await is_ready(daemon, canary("wrong-admin"))
    await daemon.order(said=f"my keys are {own}", key=sorted(own))
    for kind in kinds:
        await daemon.until_runs(kind, "dead")
    assert (
        await canaries.leaks(
            daemon, *own, daemons.WEBHOOK_SECRET, daemons.SENDER_TOKEN, admin=canary("admin")
        )
        == {}
    )


async def test_the_search_finds_what_is_not_hidden(daemon: Daemon) -> None:
    daemon.configure(reaction("say", "order.came", step("log.write", 'message = "{{ event.data.note }}"')))
    await daemon.start()
    await daemon.order(note=canary("in-the-open"))
    await daemon.until_runs("say", "succeeded")
    found = await canaries.leaks(daemon)
    assert {"daemon.log", "events --json", "runs --json", "events show", "runs show"} <= set(found)
    assert any(place.startswith('INSERT INTO "events"') for place in found)
    assert {canary("in-the-open")} <= set().union(*found.values())


def test_a_database_that_cannot_be_had_is_named_without_its_password(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    url = f"postgresql://pointsman:{canary('database')}@127.0.0.1:1/pointsman"
    desk.config.write_text(f'[database]\nurl = "{url}"\n[http]\nwebhook_secret = "{canary("webhook")}"\n')
    for words in (["check"], ["events"], ["runs", "--json"], ["db", "current"], ["db", "upgrade"]):
        answer = desk.call(*words)
        assert answer.out + answer.err, words
        assert "canary" not in answer.out + answer.err, words
