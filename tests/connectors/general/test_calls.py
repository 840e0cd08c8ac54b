"""Calls of any allowed server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.connectors.general import client
from daemon.connectors.general.actions import calls
from daemon.contract import errors, guard, secrets
from daemon.model import times
from daemon.model.runs import Doubt
from tests.connectors import stub

CALL = stub.call_of()


def ask(url: str, **given_parameters: object) -> calls.HttpRequest:
    return calls.HttpRequest.model_validate({"url": url, **given_parameters})


async def test_a_post_carries_json_query_and_headers(
    server: stub.Stub, general: client.GeneralClient
) -> None:
    server.answer({"id": 7}, 201, X_Request_Id="r1", Set_Cookie="session=1")
    parameters = ask(
        f"{server.url}/orders?a=1",
        method="POST",
        query={"b": "x y", "c": True},
        json={"n": 1},
        headers={"X-Trace": "t", "content-type": "application/vnd.orders+json"},
    )
    done = await calls.request.call(general, parameters, CALL)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/orders?a=1&b=x%20y&c=true")
    assert (asked.json, asked.headers["x-trace"]) == ({"n": 1}, "t")
    assert asked.headers["content-type"] == "application/vnd.orders+json"
    assert (done.result.status, done.result.body) == (201, {"id": 7})
    assert done.result.headers["x-request-id"] == "r1"
    assert "set-cookie" not in done.result.headers


async def test_secret_headers_are_sent_and_never_shown(
    server: stub.Stub, general: client.GeneralClient
) -> None:
    server.answer({"you_sent": "Bearer s3cret-token", "token_alone": "s3cret-token"}, X_Echo="s3cret-token")
    parameters = ask(server.url, secret_headers={"Authorization": "Bearer s3cret-token"})
    done = await calls.request.call(general, parameters, CALL)
    assert server.asked[0].headers["authorization"] == "Bearer s3cret-token"
    assert "s3cret-token" not in str(done.result.model_dump())
    assert secrets.secret_fields(calls.HttpRequest) == {"secret_headers"}


async def test_an_error_does_not_echo_a_secret(server: stub.Stub, general: client.GeneralClient) -> None:
    server.answer(b"no such key: s3cret-token", 400, "text/plain")
    parameters = ask(server.url, secret_headers={"X-Api-Key": "s3cret-token"})
    with pytest.raises(errors.PermanentError, match="no such key") as caught:
        await calls.request.call(general, parameters, CALL)
    assert "s3cret" not in caught.value.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
async def test_client_errors_are_final(server: stub.Stub, general: client.GeneralClient, status: int) -> None:
    server.answer({"detail": "no"}, status)
    with pytest.raises(errors.PermanentError) as caught:
        await calls.request.call(general, ask(server.url), CALL)
    assert caught.value.status == status
    assert caught.value.missing == (status in (404, 410))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_the_others_are_tried_again(
    server: stub.Stub, general: client.GeneralClient, status: int
) -> None:
    server.answer({}, status, Retry_After="3")
    with pytest.raises(errors.TemporaryError) as caught:
        await calls.request.call(general, ask(server.url), CALL)
    assert caught.value.retry_after == 3 * times.SECOND
    assert not caught.value.unauthorized


async def test_a_redirect_is_not_followed(server: stub.Stub, general: client.GeneralClient) -> None:
    server.answer(None, 302, Location="http://elsewhere.example/x")
    with pytest.raises(errors.PermanentError, match=r"elsewhere\.example"):
        await calls.request.call(general, ask(server.url), CALL)


async def test_an_ipv6_address_is_told_as_it_is_to_be_named(general: client.GeneralClient) -> None:
    with pytest.raises(errors.PermanentError) as refused:
        await calls.request.call(general, ask("http://[::1]:9/x"), CALL)
    entry = refused.value.text.partition(" is not in ")[0]
    assert entry == "[::1]:9"
    assert guard.parse_guard([entry]).allows_host("::1", 9)


@pytest.mark.parametrize("url", ["http://127.0.0.2:9/x", "http://localhost:9/", "http://example.com/"])
async def test_only_named_hosts_are_asked(general: client.GeneralClient, url: str) -> None:
    with pytest.raises(errors.PermanentError, match="allow_hosts"):
        await calls.request.call(general, ask(url), CALL)


@pytest.mark.parametrize(
    "body,content_type,expected",
    [
        (b"plain", "text/plain", "plain"),
        (b"{broken", "application/json", "{broken"),
        (b"[1,2]", "application/problem+json", [1, 2]),
        (b"", "application/json", None),
        (b"", "text/plain", None),
        (b"\xe9 007", "text/plain; charset=latin-1", "\xe9 007"),
        (b"\xe9 007", 'application/json; charset="ISO-8859-1"', "\xe9 007"),
        (b"\xe9 007", "text/plain", "\ufffd 007"),
        (b"\xe9 007", "text/plain; charset=klingon", "\ufffd 007"),
        (b"\xe9 007", "text/plain; charset=zlib", "\ufffd 007"),
        (b"abc-", "text/plain; charset=punycode", "abc-"),
    ],
)
async def test_bodies_are_read_for_what_they_are(
    server: stub.Stub, general: client.GeneralClient, body: bytes, content_type: str, expected: object
) -> None:
    server.answer(body, 200, content_type)
    done = await calls.request.call(general, ask(server.url), CALL)
    assert done.result.body == expected


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/x",
        "//h/x",
        "h/x",
        "http://",
        "http://u:p@h/",
        "http://h:0/",
        "http://h:99999/",
        "http://bücher/",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        ask(url)


@pytest.mark.parametrize(
    "given_parameters,said",
    [
        ({"headers": {"Authorization": "Bearer hidden-1"}}, "secret_headers"),
        ({"headers": {"X-Api-Key": "hidden-1"}}, "secret_headers"),
        ({"secret_headers": {"X-Key": "hidden-1\r\nHost: evil"}}, "line break"),
        ({"headers": {"Bad Name": "x"}}, "no header name"),
        ({"headers": {"host": "internal"}}, "connection itself"),
        ({"json": {}, "form": {}}, "one of them"),
    ],
)
def test_headers_and_bodies_are_judged(given_parameters: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        ask("http://h/", **given_parameters)
    assert "hidden-1" not in str(caught.value)


def test_an_author_is_no_credential() -> None:
    assert ask("http://h/", headers={"X-Author": "ada"}).all_headers() == {"X-Author": "ada"}


def test_doubt_goes_by_method() -> None:
    classes = {
        method: calls.request.doubt_for(ask("http://h/", method=method))
        for method in ("GET", "PUT", "DELETE", "POST", "PATCH")
    }
    repeatable = {method for method, doubt in classes.items() if doubt is Doubt.REPEATABLE}
    assert repeatable == {"GET", "PUT", "DELETE"}


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_path_and_query_becomes_plain_ascii_once(path: str, query: str) -> None:
    url = calls.plain_url(f"https://h.example/{path}?{query}")
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    assert calls.plain_url(url) == url
