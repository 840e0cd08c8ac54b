"""Login, relogin, slashes, pages, and what failures mean."""

import asyncio

import pytest
from pydantic import ValidationError

from daemon.connectors.compass import client, connector
from daemon.contract import errors, http, sending
from daemon.model import times
from daemon.running import hand
from daemon.sandbox import compass as simulated
from daemon.sandbox import faults
from tests.connectors import stub

PROJECT = f"/projects/{simulated.PROJECT_ID}/"


def logins(sandbox):
    return [one for one in sandbox.ledger.read("compass", 0) if one.path.endswith("/login/")]


def account(url, **given):
    settings = client.Settings.model_validate({"base_url": url, **given})
    return client.make_client(settings, http.Http(settings.base_url))


async def test_many_calls_at_once_log_in_once(sandbox, compass):
    found = await asyncio.gather(*[compass.call("GET", PROJECT) for _ in range(8)])
    assert {one["name"] for one in found} == {"Feedback"}
    assert len(logins(sandbox)) == 1


async def test_a_login_is_no_part_of_the_call_that_waits_for_it(sandbox, compass):
    with sending.Sending(hand.hold_for_ever) as sent:
        await compass.call("GET", PROJECT)
    assert len(logins(sandbox)) == 1
    assert not sent.went_out


async def test_an_ended_token_is_renewed_and_nothing_is_lost(sandbox, compass, virtual_clock):
    await compass.call("GET", PROJECT)
    await virtual_clock.advance(15 * times.DAY)
    posted = [compass.call("POST", f"{PROJECT}p/documents/", json=[{"text": str(n)}]) for n in range(5)]
    await asyncio.gather(*posted)
    kept = sandbox.compass.projects[simulated.PROJECT_ID].documents
    assert sorted(one["text"] for one in kept) == ["0", "1", "2", "3", "4"]
    assert len(logins(sandbox)) == 2


async def test_a_changed_password_is_refused_credentials(sandbox, compass):
    await compass.call("GET", PROJECT)
    sandbox.compass.tokens.clear()
    sandbox.compass.passwords[simulated.USERNAME] = "another"
    with pytest.raises(errors.TemporaryError, match="login: credentials refused") as refused:
        await compass.call("GET", PROJECT)
    assert refused.value.unauthorized
    assert not (await client.ping(compass)).authorized


async def test_a_token_alone_cannot_be_renewed(sandbox):
    token = sandbox.compass.login(simulated.USERNAME)["token"]
    alone = account(sandbox.urls["compass"], token=token)
    found = await client.ping(alone)
    assert (found.authorized, found.detail) == (True, "1 project; the token ends 2025-12-15T00:00:00+00:00")
    sandbox.compass.tokens.clear()
    with pytest.raises(errors.TemporaryError) as refused:
        await alone.call("GET", PROJECT)
    assert refused.value.unauthorized
    assert logins(sandbox) == []
    await alone._http.close()


async def test_a_401_after_a_fresh_login_is_the_end_of_it():
    async with stub.serving() as vendor:
        vendor.answer({"token": "t1"}).answer({"detail": "no"}, status=401)
        vendor.answer({"token": "t2"}).answer({"detail": "no"}, status=401)
        one = account(f"{vendor.url}/api", username="ada", password="pass word")
        with pytest.raises(errors.TemporaryError) as refused:
            await one.call("GET", "/projects")
        await one._http.close()
    assert refused.value.unauthorized
    assert [asked.path for asked in vendor.asked] == ["/api/login/", "/api/projects/"] * 2
    assert vendor.asked[0].body == b"username=ada&password=pass+word"
    assert [asked.headers.get("authorization") for asked in vendor.asked][1::2] == ["Token t1", "Token t2"]


async def test_a_lost_login_leaves_the_request_unsent(sandbox, compass):
    sandbox.faults.add(faults.Fault("compass", "drop_after", path="*/login/"))
    with pytest.raises(errors.TemporaryError) as lost:
        await compass.call("POST", f"{PROJECT}p/documents/", json=[{"text": "a"}])
    assert not lost.value.in_doubt
    assert sandbox.compass.projects[simulated.PROJECT_ID].documents == []


async def test_a_login_that_is_not_there_is_no_missing_thing():
    async with stub.serving() as vendor:
        vendor.answer({"detail": "Not found."}, status=404)
        one = account(vendor.url, username="ada", password="secret")
        with pytest.raises(errors.PermanentError, match="login: 404") as refused:
            await one.call("GET", "/projects/")
        await one._http.close()
    assert not refused.value.missing


async def test_pages_are_followed_on_our_own_host(sandbox, compass):
    for number in range(45):
        sandbox.compass.add_project(
            f"more{number:04}",
            name=str(number),
            account="acct0001",
            language="en",
            creator=simulated.USERNAME,
        )
    found = await compass.list_all("/projects/", {"status": "active"})
    assert len({one["url"] for one in found}) == 46


@pytest.mark.parametrize("second", ["again", "gone"])
async def test_a_listing_that_leads_back_is_an_error_and_one_that_grew_shorter_ends(second):
    async with stub.serving() as vendor:
        vendor.answer({"count": 2, "next": "http://elsewhere.example/x/?page=2", "results": [{"n": 1}]})
        if second == "again":
            vendor.answer({"count": 2, "next": "http://elsewhere.example/x/?page=2", "results": [{"n": 2}]})
        else:
            vendor.answer({"detail": "Invalid page."}, status=404)
        one = account(vendor.url, token="t" * 40)
        if second == "again":
            with pytest.raises(errors.PermanentError, match="does not end"):
                await one.list_all("/projects/")
        else:
            assert await one.list_all("/projects/") == [{"n": 1}]
        await one._http.close()
    assert [asked.path for asked in vendor.asked] == ["/projects/", "/projects/?page=2"]


@pytest.mark.parametrize(
    "status, body, kind, failure, words",
    [
        (
            400,
            {"name": ["This field is required."]},
            "json",
            errors.PermanentError,
            "name: This field is req",
        ),
        (400, '"Bad text."', "raw", errors.PermanentError, "400: Bad text."),
        (403, {"detail": "No."}, "json", errors.PermanentError, "403: No."),
        (404, {"detail": "Not found."}, "json", errors.PermanentError, "Not found."),
        (404, "<h1>nginx</h1>", "html", errors.PermanentError, "base_url"),
        (503, "<h1>Server Error</h1>", "html", errors.TemporaryError, "503"),
        (200, "<h1>Welcome</h1>", "html", errors.PermanentError, "base_url"),
    ],
)
async def test_failures_mean(status, body, kind, failure, words):
    async with stub.serving() as vendor:
        types = {"json": "application/json", "raw": "application/json", "html": "text/html"}
        vendor.answer(body if kind == "json" else body.encode(), status, types[kind])
        one = account(vendor.url, token="t" * 40)
        with pytest.raises(failure, match=words) as refused:
            await one.call("GET", "/projects/")
        await one._http.close()
    assert refused.value.status == status
    assert getattr(refused.value, "missing", False) == (status == 404 and kind == "json")


@pytest.mark.parametrize(
    "given, sent",
    [
        ("/p/classify", "/p/classify/"),
        ("//p//topics/7", "/p/topics/7/"),
        ("/a?x=//b", "/a/?x=//b"),
        ("/a/", "/a/"),
    ],
)
def test_slashes_are_put_right(given, sent):
    assert client.slashed(given) == sent


@pytest.mark.parametrize(
    "given, words",
    [
        ({"base_url": "compass.example/api", "token": "t"}, "http or https"),
        ({"base_url": "https://c/api?x=1", "token": "t"}, "no query"),
        ({"base_url": "https://c/api"}, "username and password, or a token"),
        ({"base_url": "https://c/api", "username": "ada"}, "go together"),
        ({"base_url": "https://c/api", "token": "two words"}, "copy it again"),
        ({"token": "t"}, "base_url"),
    ],
)
def test_nonsense_in_the_settings_is_refused(given, words):
    with pytest.raises(ValidationError, match=words) as refused:
        client.Settings.model_validate(given)
    assert "two words" not in str(refused.value)


def test_nothing_secret_is_shown():
    one = account("https://c/api", username="ada", password="hush-hush")
    assert "hush" not in repr(one)
    assert "ada" in repr(one)


def test_every_example_validates():
    for event in connector.events:
        assert event.model_validate(event.example).model_fields_set == set(event.example)
