"""The wire: headers, credentials, and what each failing answer means."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from daemon.connectors.plotly import client
from daemon.contract import errors, http
from daemon.model import jsons, times
from tests.connectors import stub

NOW = stub.NOON


def reply(status: int, body: object, content_type: str = "application/json", **headers: str) -> http.Reply:
    raw = body if isinstance(body, bytes) else jsons.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http.Reply(status, {"content-type": content_type, **named}, raw)


def failure(given_reply: http.Reply) -> errors.ServiceError:
    with pytest.raises(errors.ServiceError) as caught:
        client.refuse(given_reply, NOW)
    return caught.value


def vendor_error(message: str) -> dict[str, object]:
    listed = [{"code": "UNKNOWN", "message": message, "path": None, "field": None}]
    return {"errors": listed, "detail": "something else"}


async def test_every_call_says_who_calls_in_latin_1(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({"username": "ada"})
    assert (await client.ping(plotly)).detail == "ada"
    (asked,) = vendor.asked
    assert asked.path == "/v2/users/current"
    assert asked.headers["plotly-client-platform"] == client.PLATFORM
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept"] == "application/json"
    scheme, _, code = asked.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(code)) == ("Basic", "ada:key-of-ada-é".encode("latin-1"))


async def test_refused_credentials_are_temporary(vendor: stub.Stub, plotly: client.PlotlyClient) -> None:
    vendor.answer({"detail": "Invalid username/password."}, 401)
    with pytest.raises(errors.TemporaryError, match="Invalid username") as caught:
        await plotly.call("GET", "/files/ada:0")
    assert caught.value.unauthorized


async def test_a_ping_tells_refused_credentials_from_trouble(
    vendor: stub.Stub, plotly: client.PlotlyClient
) -> None:
    vendor.answer({"detail": "Invalid username/password."}, 401).answer({}, 503)
    refused = await client.ping(plotly)
    assert not refused.authorized
    assert "Invalid username" in refused.detail
    with pytest.raises(errors.TemporaryError):
        await client.ping(plotly)


def test_secrets_stay_inside(plotly: client.PlotlyClient) -> None:
    settings = client.Settings(username="ada", api_key=SecretStr("key-of-ada"))
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {plotly!r}"
    assert "key-of-ada" not in shown
    assert "ada" in shown


@pytest.mark.parametrize(
    "given_settings",
    [
        {"username": "a:b", "api_key": "key"},
        {"username": "", "api_key": "key"},
        {"username": "ada", "api_key": ""},
        {"username": "ada", "api_key": "hidden-😀"},
        {"username": "ada", "api_key": "key", "base_url": "ftp://plots"},
        {"username": "ada", "api_key": "key", "base_url": "https://plots/v2?format=api"},
    ],
)
def test_settings_refuse_nonsense(given_settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        client.Settings.model_validate(given_settings)
    assert "hidden" not in str(caught.value)


def test_the_listed_messages_come_before_detail() -> None:
    assert str(failure(reply(400, vendor_error("bad columns")))) == "400: bad columns"
    assert str(failure(reply(400, {"detail": "bad format"}))) == "400: bad format"
    assert str(failure(reply(418, b"tea  pot", "text/plain"))) == "418: tea pot"


def test_a_throttle_names_its_seconds() -> None:
    text = "Request was throttled. Expected available in 5.5 seconds."
    throttled = failure(reply(429, vendor_error(text)))
    assert isinstance(throttled, errors.TemporaryError)
    assert throttled.retry_after == 5_500_000
    told = failure(reply(429, vendor_error(text), retry_after="7"))
    assert isinstance(told, errors.TemporaryError)
    assert told.retry_after == 7 * times.SECOND


@pytest.mark.parametrize(
    "text",
    ["You have reached the threshold of 100 image exports", "100 chart saves in 24h are used up"],
)
def test_a_used_up_day_is_left_alone_for_hours(text: str) -> None:
    used_up = failure(reply(429, vendor_error(text)))
    assert isinstance(used_up, errors.TemporaryError)
    assert used_up.retry_after == client.QUOTA_PAUSE


@pytest.mark.parametrize("status", [400, 409])
def test_a_taken_name_is_told_apart(status: int) -> None:
    taken = failure(reply(status, vendor_error("A file with this name already exists.")))
    assert isinstance(taken, client.AlreadyExists)
    assert "already exists" in taken.text


@pytest.mark.parametrize("status", [400, 409, 422])
def test_other_wrong_requests_are_final(status: int) -> None:
    final = failure(reply(status, vendor_error("figure: raw arrays")))
    assert type(final) is errors.PermanentError
    assert final.status == status


def test_an_outage_told_in_words_is_temporary() -> None:
    outage = failure(reply(400, {"detail": "Uh oh, an error occurred on the server."}))
    assert isinstance(outage, errors.TemporaryError)


def test_403_is_about_the_file_and_401_about_the_account() -> None:
    forbidden = failure(reply(403, {"detail": "You do not have permission to perform this action."}))
    assert isinstance(forbidden, errors.PermanentError)
    refused = failure(reply(403, {"detail": "Authentication credentials were not provided."}))
    assert isinstance(refused, errors.TemporaryError)
    assert refused.unauthorized


def test_404_is_missing_but_a_404_page_is_another_server() -> None:
    missing = failure(reply(404, {"detail": "Not found."}))
    assert isinstance(missing, errors.PermanentError)
    assert missing.missing
    page = failure(reply(404, b"<html>nothing here</html>", "text/html"))
    assert isinstance(page, errors.PermanentError)
    assert not page.missing
    assert "base_url" in page.text


def test_a_page_under_200_asks_for_base_url() -> None:
    page = failure(reply(200, b"<html>welcome</html>", "text/html; charset=utf-8"))
    assert isinstance(page, errors.PermanentError)
    assert "base_url" in page.text


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_server_is_temporary_even_as_a_page(status: int) -> None:
    assert isinstance(failure(reply(status, b"<html>oops</html>", "text/html")), errors.TemporaryError)


@given(
    st.integers(400, 599), st.binary(max_size=2000), st.sampled_from(["application/json", "text/plain", ""])
)
def test_any_failing_answer_is_one_bounded_error(status: int, body: bytes, content_type: str) -> None:
    sorted_out = failure(http.Reply(status, {"content-type": content_type}, body))
    assert len(sorted_out.text) <= client.LONGEST_TEXT + 80
    assert "\n" not in sorted_out.text


@given(
    st.recursive(
        st.none() | st.text() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_errors_of_any_shape_are_read(value: object) -> None:
    assert client.words(reply(400, {"errors": value, "detail": "x"}))


@given(st.integers(0, 999_999))
def test_any_number_of_seconds_is_read(seconds: int) -> None:
    assert client.available_in(f"Expected available in {seconds} seconds.") == seconds * times.SECOND
