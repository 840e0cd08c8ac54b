"""What every connector keeps to before a server: statuses become errors, polls repeat themselves quietly,
refused credentials say so. Asked of whatever ``discover()`` finds."""

import dataclasses
from typing import Any

import pytest

from daemon import connectors
from daemon.contract import errors
from daemon.model import times
from tests.connectors import furnishing, stub, support

CATALOG = connectors.discover()
KINDS = CATALOG.account_kinds
WATCHES = sorted(CATALOG.watches)
WRONG = "wrong-wrong-wrong"
LONG = 600 * times.SECOND  # more than any simulated source, training or query takes


def credentials_of(kind: str) -> dict[str, str]:
    """Made-up credentials. A token spares Compass its login."""
    model = CATALOG.connectors[kind].settings
    assert model is not None
    if "token" in model.model_fields:
        return {"token": "token-of-ada"}
    return {"username": "ada", "api_key": "key-of-ada"}


async def request(client: Any, kind: str, method: str = "GET", **given: Any) -> Any:
    action = CATALOG.actions[f"{kind}.request"]
    parameters = action.parameters.model_validate({"method": method, "path": "/things/1/", **given})
    return (await action.call(client, parameters, stub.call_of())).result


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
async def vendor():
    async with stub.serving() as served:
        yield served


@pytest.fixture
async def stubbed(kind, vendor):
    connector = CATALOG.connectors[kind]
    async with support.client_of(connector, f"{vendor.url}/base", credentials_of(kind)) as client:
        yield client


async def failure(client: Any, kind: str, method: str = "GET") -> errors.ServiceError:
    with pytest.raises(errors.ServiceError) as failed:
        await request(client, kind, method)
    assert "-of-ada" not in failed.value.text
    assert len(failed.value.text) < 1000
    return failed.value


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_temporary(vendor, stubbed, kind, status):
    vendor.answer(b"", status, "text/plain")
    failed = await failure(stubbed, kind)
    assert isinstance(failed, errors.TemporaryError)
    assert not failed.unauthorized


@pytest.mark.parametrize("status", [400, 402, 405, 409, 410, 415, 422])
async def test_what_will_not_pass_is_permanent(vendor, stubbed, kind, status):
    vendor.answer({"detail": "no", "message": "no", "error": "no"}, status)
    assert isinstance(await failure(stubbed, kind, "POST"), errors.PermanentError)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_is_named_and_not_followed(vendor, stubbed, kind, status, method):
    vendor.answer(b"", status, "text/html", Location="https://elsewhere.example/things/1/?token=x")
    failed = await failure(stubbed, kind, method)
    assert isinstance(failed, errors.PermanentError)
    assert "elsewhere.example" in failed.text
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_that_is_asked_for_is_told(vendor, stubbed, kind, status):
    vendor.answer(b"", status, "text/plain", Retry_After="7")
    failed = await failure(stubbed, kind)
    assert isinstance(failed, errors.TemporaryError)
    assert failed.retry_after == 7 * times.SECOND


async def test_a_plain_request_goes_where_it_says_with_credentials(vendor, stubbed, kind):
    vendor.answer({"id": 1})
    answered = await request(stubbed, kind, "POST", query={"a": "b c"}, json={"x": 1})
    (asked,) = vendor.asked
    assert (answered.status, answered.body) == (200, {"id": 1})
    assert asked.path.startswith("/base/")
    assert "a=b%20c" in asked.path
    assert asked.json == {"x": 1}
    assert asked.headers["authorization"]


@pytest.fixture
async def client(kind, sandbox):
    async with support.sandbox_client(CATALOG.connectors[kind], sandbox) as made:
        yield made


@pytest.fixture(params=WATCHES, ids="/".join)
async def watched(request, sandbox):
    """A watch over things that are there, polling with good credentials."""
    kind, resource = request.param
    async with support.sandbox_client(CATALOG.connectors[kind], sandbox) as client:
        options = await furnishing.FURNISH[kind](client, sandbox)
        assert resource in options, (
            f"tell {furnishing.FURNISH[kind].__name__} what the watch {resource} shall look at"
        )
        yield support.Polling(CATALOG.watches[request.param], client, **options[resource])


async def test_polling_again_tells_nothing_new(watched, virtual_clock):
    assert await watched.poll() == []
    assert watched.memory
    assert await watched.poll() == []
    await virtual_clock.advance(LONG)
    await watched.poll()
    assert await watched.poll() == []


async def test_what_a_poll_tells_fits_its_schema_and_has_keys_of_its_own(watched, virtual_clock):
    facts = await watched.poll(announce=True)
    await virtual_clock.advance(LONG)
    facts += await watched.poll()
    keys = [fact.key for fact in facts]
    for fact in facts:
        assert fact.type in watched.watch.events
        assert fact.subject
        assert CATALOG.events[fact.type].model_validate(fact.data).model_fields_set
    assert len(keys) == len(set(keys))
    assert facts


async def test_a_second_memory_tells_the_same_facts_by_the_same_keys(watched):
    first = await watched.poll(announce=True)
    watched.memory.clear()
    again = await watched.poll(announce=True)
    assert [fact.key for fact in again] == [fact.key for fact in first]


async def test_followed_ids_are_found_in_the_form_that_polls_give(watched):
    await watched.poll()
    ids = tuple(watched.memory)
    seen = await watched.look(wanted=ids)
    assert sorted(one.id for one in seen) == sorted(ids)
    assert [fact for one in seen for fact in one.facts] == []


@pytest.fixture
async def stranger(kind, sandbox):
    """A client whose credentials are no good."""
    good = sandbox.credentials[kind]
    wrong = {name: value if name == "username" else WRONG for name, value in good.items()}
    async with support.client_of(CATALOG.connectors[kind], sandbox.urls[kind], wrong) as made:
        yield made


async def test_a_wrong_token_is_a_temporary_refusal(kind, stranger):
    paths = {"populr": "/pops", "popily": "/sources/", "compass": "/projects/", "plotly": "/users/current"}
    with pytest.raises(errors.TemporaryError) as refused:
        await request(stranger, kind, path=paths.get(kind, "/queries"))
    assert refused.value.unauthorized
    assert WRONG not in refused.value.text


async def test_a_ping_tells_good_credentials_from_wrong_ones(kind, client, stranger):
    ping = CATALOG.connectors[kind].ping
    assert ping is not None
    assert (await ping(client)).authorized
    refused = await ping(stranger)
    assert not refused.authorized
    assert WRONG not in refused.detail


async def test_a_watch_with_a_wrong_token_sees_nothing(watched, sandbox):
    await watched.poll()
    memory = dict(watched.memory)
    kind = next(kind for (kind, _), watch in CATALOG.watches.items() if watch is watched.watch)
    good = sandbox.credentials[kind]
    wrong = {name: value if name == "username" else WRONG for name, value in good.items()}
    async with support.client_of(CATALOG.connectors[kind], sandbox.urls[kind], wrong) as stranger:
        watched.client = stranger
        with pytest.raises(errors.TemporaryError) as refused:
            await watched.poll()
    assert refused.value.unauthorized
    assert watched.memory == memory


async def test_no_answer_at_all_is_temporary_and_no_doubt(kind, free_port):
    connector = CATALOG.connectors[kind]
    nowhere = f"http://127.0.0.1:{free_port}/base"
    async with support.client_of(connector, nowhere, credentials_of(kind)) as client:
        failed = await failure(client, kind, "POST")
    assert isinstance(failed, errors.TemporaryError)
    assert not failed.in_doubt
    assert not failed.unauthorized


def test_a_call_is_told_its_step():
    told = stub.call_of()
    assert dataclasses.replace(told, first_sent_at=stub.NOON).first_sent_at == stub.NOON
