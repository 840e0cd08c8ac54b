"""How Populr's answers are read: its errors, its pages, its credentials."""

import base64

import pytest
from pydantic import ValidationError

from daemon.connectors.populr import client
from daemon.contract import errors


async def test_the_key_is_the_user_name_and_the_password_is_empty(vendor, stubbed):
    vendor.answer([])
    await stubbed.check()
    (asked,) = vendor.asked
    assert asked.path == "/v0/domains"
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(b'ABC-DEF:').decode()}"


@pytest.mark.parametrize(
    "status, body, kind, flags",
    [
        (
            401,
            {"error": "no", "error_type": "request.unauthorized"},
            errors.TemporaryError,
            {"unauthorized": True},
        ),
        (403, b"", errors.TemporaryError, {"unauthorized": True}),
        (
            200,
            {"error": "no", "error_type": "request.unauthorized"},
            errors.TemporaryError,
            {"unauthorized": True},
        ),
        (200, {"error": "bad", "error_type": "tag_not_found"}, errors.PermanentError, {"missing": False}),
        (200, {"error": "gone", "error_type": "not_found"}, errors.PermanentError, {"missing": True}),
        (
            400,
            {"error": "bad", "error_type": "request.validation"},
            errors.PermanentError,
            {"missing": False},
        ),
        (
            402,
            {"error": "open", "error_type": "not_fully_populated"},
            errors.PermanentError,
            {"missing": False},
        ),
        (404, {"error": "gone", "error_type": "not_found"}, errors.PermanentError, {"missing": True}),
        (
            404,
            {"error": "?", "error_type": "request.not_found_api"},
            errors.PermanentError,
            {"missing": False},
        ),
        (404, b"<html>", errors.PermanentError, {"missing": False}),
        (429, b"", errors.TemporaryError, {"unauthorized": False}),
        (503, b"<html>", errors.TemporaryError, {"unauthorized": False}),
        (
            500,
            {"error": "oops", "error_type": "request.failed"},
            errors.TemporaryError,
            {"unauthorized": False},
        ),
        (200, b"<html>welcome", errors.StrangeAnswer, {"missing": False}),
        (200, [], errors.StrangeAnswer, {"missing": False}),
        (200, {"name": "no id"}, errors.StrangeAnswer, {"missing": False}),
    ],
)
async def test_each_answer_has_its_meaning(vendor, stubbed, status, body, kind, flags):
    vendor.answer(body, status)
    with pytest.raises(errors.ServiceError) as failed:
        await stubbed.read("/pops/p")
    assert type(failed.value) is kind
    assert {name: getattr(failed.value, name) for name in flags} == flags
    assert "ABC-DEF" not in failed.value.text


async def test_the_vendors_words_are_kept_and_bounded(vendor, stubbed):
    vendor.answer({"error": "long " * 500, "error_type": "request.validation"}, 400)
    with pytest.raises(errors.PermanentError, match=r"400: long .*\(request\.validation\)") as failed:
        await stubbed.read("/pops/p")
    assert len(failed.value.text) < 400


async def test_pages_overlap_and_end_where_nothing_new_comes(vendor, stubbed):
    first = [{"_id": f"a{n}"} for n in range(50)]
    vendor.answer(first).answer([*first[45:], {"_id": "b"}]).answer([{"_id": "b"}])
    found = await stubbed.pages("/pops")
    assert [one["id"] for one in found] == [*(one["_id"] for one in first), "b"]
    assert [one.path for one in vendor.asked] == [
        f"/v0/pops?count=50&offset={offset}" for offset in (0, 45, 46)
    ]


async def test_a_deletion_while_a_list_is_paged_hides_nothing(vendor, stubbed):
    every = [{"_id": f"a{n}"} for n in range(60)]
    left = every[1:]
    vendor.answer(every[:50]).answer(left[45:]).answer([])
    assert len(await stubbed.pages("/pops")) == 60


async def test_enough_is_enough(vendor, stubbed):
    vendor.answer([{"_id": "a"}, {"_id": "b"}])
    assert len(await stubbed.pages("/pops", enough=2)) == 2
    assert len(vendor.asked) == 1


async def test_a_server_that_knows_no_offset_does_not_hold_us(vendor, stubbed):
    vendor.answer([{"_id": "a"}])
    assert len(await stubbed.pages("/pops")) == 1
    assert len(vendor.asked) == 2


async def test_ping_tells_a_bad_key_from_trouble(vendor, stubbed):
    vendor.answer({"error": "no", "error_type": "x"}, 401).answer(["a.populr.me"]).answer(b"", 503)
    assert not (await client.ping(stubbed)).authorized
    good = await client.ping(stubbed)
    assert (good.authorized, good.detail) == (True, "a.populr.me")
    with pytest.raises(errors.TemporaryError, match="503"):
        await client.ping(stubbed)


@pytest.mark.parametrize(
    "given",
    [
        {"base_url": "ftp://a", "api_key": "k"},
        {"base_url": "https://", "api_key": "k"},
        {"base_url": "https://a/v0?x=1", "api_key": "k"},
        {"base_url": "https://a/v0#x", "api_key": "k"},
        {"api_key": ""},
        {"api_key": "a:b"},
        {"api_key": "a b"},
        {"api_key": "a\nb"},
        {},
    ],
)
def test_nonsense_in_the_settings_is_refused(given):
    with pytest.raises(ValidationError):
        client.Settings.model_validate(given)


def test_a_trailing_slash_does_not_matter():
    settings = client.Settings.model_validate({"base_url": "https://api.populr.me/v0/", "api_key": "k"})
    assert settings.base_url == "https://api.populr.me/v0"


@pytest.mark.parametrize(
    "given, ids",
    [
        ({"_id": "a"}, {"_id": "a", "id": "a"}),
        ({"id": "a"}, {"id": "a"}),
        ({"_id": 17, "name": "n"}, {"_id": "17", "id": "17", "name": "n"}),
        ({"_id": "a", "id": "b"}, {"_id": "a", "id": "a"}),
    ],
)
def test_an_id_is_text_under_either_name(given, ids):
    assert client.as_record(given) == ids
