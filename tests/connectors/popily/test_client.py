"""How Popily's answers are read: its errors, its pages, its token."""

import pytest
from pydantic import ValidationError

from daemon.connectors.popily import client
from daemon.contract import errors


async def test_the_token_is_sent_with_its_word_and_the_slash(vendor, stubbed):
    vendor.answer({"results": []})
    await stubbed.check()
    (asked,) = vendor.asked
    assert asked.path == "/api/sources/"
    assert asked.headers["authorization"] == "Token t0ken-1234"
    assert asked.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "status, body, content_type, kind, flags",
    [
        (
            401,
            {"detail": "Invalid token."},
            "application/json",
            errors.TemporaryError,
            {"unauthorized": True},
        ),
        (403, {"detail": "No."}, "application/json", errors.TemporaryError, {"unauthorized": True}),
        (404, {"detail": "Not found."}, "application/json", errors.PermanentError, {"missing": True}),
        (404, b"<h1>Not Found</h1>", "text/html", errors.PermanentError, {"missing": False}),
        (400, {"url": ["Enter a valid URL."]}, "application/json", errors.PermanentError, {"missing": False}),
        (429, {"detail": "Slow."}, "application/json", errors.TemporaryError, {"unauthorized": False}),
        (500, b"<h1>Server Error</h1>", "text/html", errors.TemporaryError, {"unauthorized": False}),
        (503, b"{broken", "application/json", errors.TemporaryError, {"unauthorized": False}),
        (200, b"<html>welcome", "text/html", errors.StrangeAnswer, {"missing": False}),
        (200, [], "application/json", errors.StrangeAnswer, {"missing": False}),
    ],
)
async def test_each_answer_has_its_meaning(vendor, stubbed, status, body, content_type, kind, flags):
    vendor.answer(body, status, content_type)
    with pytest.raises(errors.ServiceError) as failed:
        await stubbed.read("/sources/1/")
    assert type(failed.value) is kind
    assert {name: getattr(failed.value, name) for name in flags} == flags
    assert "t0ken" not in failed.value.text


async def test_complaints_by_field_are_one_line(vendor, stubbed):
    vendor.answer({"url": ["Enter a valid URL.", "Or two."], "title": "Too long."}, 400)
    with pytest.raises(
        errors.PermanentError, match=r"400: url: Enter a valid URL\. Or two\.; title: Too long\."
    ):
        await stubbed.read("/sources/1/")


async def test_next_is_followed_by_its_query_on_our_own_origin(vendor, stubbed):
    foreign = "http://elsewhere.example/api/sources/?page=2&x=a%2Cb"
    vendor.answer({"results": [{"id": 1}], "next": foreign}).answer({"results": [{"id": 2}], "next": None})
    found = await stubbed.pages("/sources/", {})
    assert [one["id"] for one in found] == [1, 2]
    assert [one.path for one in vendor.asked] == ["/api/sources/", "/api/sources/?page=2&x=a%2Cb"]


@pytest.mark.parametrize("following", ["http://popily.com/api/users/?page=2", "/api/sources/9/", "nonsense"])
async def test_next_of_another_list_is_refused(vendor, stubbed, following):
    vendor.answer({"results": [], "next": following})
    with pytest.raises(errors.PermanentError, match="next page"):
        await stubbed.pages("/sources/", {})


async def test_a_bare_list_is_the_only_page(vendor, stubbed):
    vendor.answer([{"id": 1}, {"username": "a"}, {"username": "b"}, {"id": 1}])
    assert await stubbed.pages("/users/", {}) == [{"id": 1}, {"username": "a"}, {"username": "b"}]


async def test_what_two_pages_show_counts_once(vendor, stubbed):
    vendor.answer({"results": [{"id": 1}, {"id": 2}], "next": "/api/sources/?page=2"})
    vendor.answer({"results": [{"id": 2}, {"id": 3}], "next": None})
    assert [one["id"] for one in await stubbed.pages("/sources/", {})] == [1, 2, 3]


async def test_pages_that_lead_in_a_circle_end(vendor, stubbed):
    vendor.answer({"results": [{"id": 1}], "next": "/api/sources/?page=1"})
    assert len(await stubbed.pages("/sources/", {})) == 1
    assert len(vendor.asked) == 2


async def test_ping_tells_a_bad_token_from_trouble(vendor, stubbed):
    vendor.answer({"detail": "Invalid token."}, 401).answer({"count": 2, "results": []}).answer([])
    assert not (await client.ping(stubbed)).authorized
    good = await client.ping(stubbed)
    assert (good.authorized, good.detail) == (True, "2 sources")
    assert (await client.ping(stubbed)).detail == ""
    vendor.answers[0] = (503, b"", {})
    with pytest.raises(errors.TemporaryError, match="503"):
        await client.ping(stubbed)


@pytest.mark.parametrize(
    "given",
    [
        {"base_url": "popily.com/api", "token": "t"},
        {"base_url": "https://a/api?x=1", "token": "t"},
        {"token": "Token t"},
        {"token": ""},
        {"token": "a\r\nX: y"},
        {},
    ],
)
def test_nonsense_in_the_settings_is_refused(given):
    with pytest.raises(ValidationError):
        client.Settings.model_validate(given)
