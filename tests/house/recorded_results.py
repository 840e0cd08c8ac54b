"""What each action answers, recorded: ``daemon/reference/results.json``, shown by ``pointsman reference actions``.

Every action's own example is called against the simulated services, in which ``tests.crashes`` has put something of
everything; the general actions speak to a server that answers as one would expect. ``make docs`` runs this module by
way of ``reference_pages`` to write the file; ``test_docs.py`` compares it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from structlog import testing

from daemon import connectors
from daemon.connectors import general
from daemon.contract import configured, declare, guard, http, own_paths, secret_forms, secrets
from daemon.model import ids
from daemon.model.jsons import Json, JsonObject
from daemon.sandbox.server import Sandbox
from tests import clocks
from tests.connectors import stub, support
from tests.crashes import engine, examples
from tests.house import sources

FILE = sources.ROOT / "daemon" / "reference" / "results.json"
CATALOG = connectors.discover()
BLANKER = secrets.Blanker(CATALOG.secret_names())
MOST = 2  # items of a list that are shown
LONGEST = 200  # characters of a text that are shown
ELSEWHERE = "https://crm.example.com"
HEADERS = {"Date": "Mon, 01 Dec 2025 00:00:00 GMT", "Server": "crm"}
MADE_BELOW = "/var/lib/pointsman"  # where the examples write
ADDRESSES = {"compass": "https://compass.example.com/api"}  # of the services that have none of their own
MARKER = ids.digest("a step before")[:12]  # of what was there before, as a step would have made it
PLACEHOLDER = "a-secret-of-the-examples"


async def record(folder: Path) -> dict[str, JsonObject]:
    """The results by action; what is written to this machine goes below *folder*."""
    found: dict[str, JsonObject] = {}
    for kind in examples.FURNISH:
        found |= await _record_service(kind, folder)
    found |= await _record_general(folder)
    return {name: found[name] for name in sorted(found)}


def written(found: Mapping[str, JsonObject]) -> str:
    """*found* as the file holds it."""
    lines = (f"{json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}" for name, one in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


async def _record_service(kind: str, folder: Path) -> dict[str, JsonObject]:
    clock = clocks.VirtualClock()
    sandbox = Sandbox(clock)
    await sandbox.start()
    try:
        shop = engine.Shop(sandbox, clock, CATALOG, kind)
        await shop.furnish()
        connector = CATALOG.connectors[kind]
        names = {**shop.names, "folder": str(folder)}
        found = {}
        for action in connector.actions.values():
            shop.put_back()
            async with support.sandbox_client(connector, sandbox) as client:
                result = await _call(action, client, clock, _asked(action, names))
            found[action.name] = _shown(result, _places(kind, sandbox, folder))
        return found
    finally:
        await sandbox.stop()


def _places(kind: str, sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """What stands for the machine on which this was recorded."""
    settings = CATALOG.connectors[kind].settings
    assert settings is not None
    known = ADDRESSES.get(kind) or settings.model_fields["base_url"].default
    ours, theirs = urlsplit(sandbox.urls[kind]), urlsplit(known)
    marker = stub.call_of().marker
    return {sandbox.urls[kind]: known, ours.netloc: theirs.netloc, str(folder): MADE_BELOW, marker: MARKER}


async def _record_general(folder: Path) -> dict[str, JsonObject]:
    clock = clocks.VirtualClock()
    found = {}
    async with stub.serving() as served:
        served.answer({"id": 981, "customer": "Ada", "amount": 1200}, 201, **HEADERS)
        people = secret_forms.Secret("text", served.url.replace("http:", "json:"))
        reach = configured.Reach((str(folder),), {"sales": people})
        way = http.Http("", guarded=guard.parse_guard(["127.0.0.1"]))
        client = general.connector.client(reach, way)
        places = {served.url: ELSEWHERE, str(folder): MADE_BELOW}
        for action in general.connector.actions.values():
            here = {theirs: ours for ours, theirs in places.items()}
            with testing.capture_logs():  # what log.write says is not ours to say
                result = await _call(action, client, clock, _replaced(_asked(action, {}), here))
            found[action.name] = _shown(result, places)
        await way.close()
    return found


def _asked(action: declare.Action, names: Mapping[str, Any]) -> JsonObject:
    """The action's example, with the ids of what is there (*names*), with secrets, and without files of ours."""
    known = examples.EXAMPLES[action.name]
    asked = {name: _with_secrets(value) for name, value in action.example.items()}
    for name, value in known.items() if names else ():
        if "$" in str(value):
            asked[name] = examples.filled(value, names)
    if isinstance(asked.get("file"), str):
        asked["file"] = {"name": Path(asked["file"]).name, "content": "…"}
    return asked


def _with_secrets(value: Json) -> Json:
    if secret_forms.is_reference(value):
        return PLACEHOLDER
    if isinstance(value, dict):
        return {name: _with_secrets(one) for name, one in value.items()}
    return [_with_secrets(one) for one in value] if isinstance(value, list) else value


async def _call(
    action: declare.Action, client: Any, clock: clocks.VirtualClock, asked: JsonObject
) -> JsonObject:
    call = replace(stub.call_of(marker=ids.digest(action.name)[:12]), now=clock.now())
    operators = own_paths.of(value for value in asked.values() if isinstance(value, str))
    with own_paths.said(operators):
        done = await action.call(client, action.parameters.model_validate(asked), call)
    plain: JsonObject = done.result.model_dump(mode="json", by_alias=True)
    return plain


def _shown(result: JsonObject, places: Mapping[str, str]) -> JsonObject:
    """*result* without secrets, without what tells of this machine, and cut short."""
    shown = _cut(_replaced(BLANKER.value(result), places))
    assert isinstance(shown, dict)
    return shown


def _replaced(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(one, places) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, places) for one in value]
    for ours, theirs in places.items() if isinstance(value, str) else ():
        value = value.replace(ours, theirs)
    return value


def _cut(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_cut(one) for one in value[:MOST]]
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "…"
    return value
