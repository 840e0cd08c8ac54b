"""Whatever is sent: no exception, no 5xx, and what is recorded is what was sent."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.contract import errors
from daemon.contract.configured import Webhook
from daemon.contract.secret_forms import Secret
from daemon.intake import bodies, senders, verifying
from daemon.journal import database
from daemon.model import jsons
from tests.intake import doors

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
NAMES = st.sampled_from(
    ["pop", "tracer", "group", "id", "_id", "code", "name", "analytics", "views", "links"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=25,
)
likely = st.fixed_dictionaries(
    {
        "pop": st.fixed_dictionaries({"id": st.sampled_from([doors.POP, "p2", 7]) | values}) | values,
        "tracer": st.fixed_dictionaries(
            {"code": st.sampled_from(["tc", "", None]) | values},
            optional={"analytics": st.fixed_dictionaries({"views": st.integers(-1, 9) | values}) | values},
        )
        | values,
    }
)
ONE_DOOR = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def runner(sqlite_url):
    """Runs coroutines, with a door, on a loop that outlives one example."""
    with asyncio.Runner() as ours:
        journal = ours.run(database.open_journal(sqlite_url))
        context = doors.opened(journal)
        door = ours.run(context.__aenter__())
        yield lambda work: ours.run(work(door))
        ours.run(context.__aexit__(None, None, None))
        ours.run(journal.close())


@ONE_DOOR
@given(
    raw=st.binary(max_size=300) | st.text(alphabet='{}[]",:\\u0 1eE+-.truefalsn', max_size=60).map(str.encode)
)
def test_any_bytes_are_answered_below_500(runner, raw):
    async def post(door):
        paths = (doors.path_of(), doors.path_of("careful", "collaboration"))
        answers = [await door.post(path, raw) for path in paths]
        return [*answers, await door.post("/hooks/parcels", raw, authorization="parcels-token")]

    assert {one.status for one in runner(post)} <= {200, 202, 400, 422}


@ONE_DOOR
@given(value=values | likely)
def test_any_json_is_taken_or_refused(runner, value):
    async def post(door):
        return [
            await door.post(doors.path_of(account, hook), value)
            for account in ("trusted", "careful")
            for hook in ("tracer", "collaboration")
        ]

    assert {one.status for one in runner(post)} <= {200, 202, 400, 422}


@ONE_DOOR
@given(raw=st.binary(max_size=200))
def test_any_connection_is_answered_or_closed(runner, raw):
    async def speak(door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(raw + b"\r\n\r\n")
        writer.write_eof()
        told = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return told

    assert not runner(speak).startswith(b"HTTP/1.1 5")


@ONE_DOOR
@given(value=values)
def test_what_is_recorded_is_what_was_sent(runner, value):
    async def post(door):
        answer = await door.post("/hooks/parcels", value, authorization="parcels-token")
        return answer, await door.event(answer.json["id"]) if answer.status in (200, 202) else None

    answer, event = runner(post)
    try:
        kept = jsons.loads(json.dumps(value))
    except jsons.UnfitJson:
        assert answer.status == 400
    else:
        if event is None:
            assert answer.status == 422
        else:
            # A CloudEvent by chance keeps its data alone; secret names are blanked.
            blanked = doors.built().blanker.value(senders.as_data(kept))
            assert event.data == blanked or "specversion" in kept


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_a_body_is_kept_as_it_came_unless_it_was_changed(value, indent, changed):
    said = json.dumps(value, indent=indent).encode()
    try:
        read, _ = bodies.read_json(said)
    except jsons.UnfitJson:
        return
    text = bodies.text_of([read] if changed else read, read, said)
    assert jsons.loads(text) == ([read] if changed else read)
    assert (text.encode() == said) if not changed and b"\n" not in said else "\n" not in text


@given(levels=st.integers(0, 250), limit=st.integers(0, 250), as_list=st.booleans())
def test_nesting_is_counted_level_by_level(levels, limit, as_list):
    value: jsons.Json = 0
    for _ in range(levels):
        value = [value, 1] if as_list else {"a": value, "b": "x"}
    assert bodies.is_deeper(value, limit) is (levels > limit)


@given(
    text=st.text(max_size=600),
    names=st.dictionaries(
        st.sampled_from(["ce-id", "ce-type", "ce-specversion", "ce-time", "webhook-id"]), st.text()
    ),
)
def test_any_attributes_make_a_fact_or_a_complaint(text, names):
    webhook = Webhook("w", "token", None, Secret("text", "x"), "a.b", None)
    headers = {"content-type": "", "ce-source": text, **names}
    body = {"id": text, "specversion": "1.0", "type": text, "source": text}
    for given_headers, given_body in ((headers, {}), ({}, body)):
        try:
            fact = senders.understand(webhook, given_headers, b"", given_body)
        except errors.MalformedBody:
            continue
        assert len(fact.key) <= senders.LONGEST_NAME
        assert fact.type


@given(
    how=st.sampled_from(["standard-webhooks", "hmac-sha256", "token"]),
    headers=st.dictionaries(
        st.sampled_from(
            ["webhook-id", "webhook-timestamp", "webhook-signature", "X-Hub-Signature-256", "Authorization"]
        ),
        st.text(max_size=40) | st.floats().map(str),
    ),
    raw=st.binary(max_size=50),
)
def test_nothing_made_up_is_genuine(how, headers, raw):
    assert verifying.verify(how, None, doors.STANDARD, headers, raw) is False
