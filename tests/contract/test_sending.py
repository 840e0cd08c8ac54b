"""The last moment before a request: whether it may still go out, and whether anything did."""

import pytest

from daemon.contract import errors, http, sending
from tests.connectors import stub


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def test_nothing_is_sent_for_a_step_that_is_somebody_elses() -> None:
    async with stub.serving() as vendor:
        vendor.answer({})
        way = http.Http(vendor.url)
        try:
            for _ in range(2):  # over a new connection, and over one that is there already
                with sending.Sending(no) as sent, pytest.raises(sending.TooLate):
                    await way.send("POST", "/things")
                assert (vendor.asked, sent.went_out) == ([], False)
            with sending.Sending(yes):
                await way.send("GET", "/things")
            with sending.Sending(no), pytest.raises(sending.TooLate):
                await way.send("POST", "/things")
        finally:
            await way.close()
        assert [asked.method for asked in vendor.asked] == ["GET"]


async def test_a_body_is_not_sent_for_a_step_that_was_lost_with_the_connection_in_hand() -> None:
    answers = [True, False]  # as it connects, and as it writes

    async def holds() -> bool:
        return answers.pop(0)

    async with stub.serving() as vendor:
        vendor.answer({})
        way = http.Http(vendor.url)
        try:
            with sending.Sending(holds) as sent, pytest.raises(sending.TooLate):
                await way.send("POST", "/things", json={"name": "one"})
            assert (answers, sent.went_out) == ([], False)
            with sending.Sending(yes):
                await way.send("GET", "/things")
        finally:
            await way.close()
        assert [asked.method for asked in vendor.asked] == ["GET"]


@pytest.mark.parametrize(
    "method, went_out", [("GET", False), ("POST", True), ("PUT", True), ("DELETE", True)]
)
async def test_what_may_change_something_is_noted(method: str, went_out: bool) -> None:
    async with stub.serving() as vendor:
        vendor.answer({}, 500)
        way = http.Http(vendor.url)
        try:
            with sending.Sending(yes) as sent:
                await way.send(method, "/things")
        finally:
            await way.close()
    assert sent.went_out is went_out


@pytest.mark.parametrize(
    "first, went_out",
    [(401, False), (403, False), (404, False), (429, False), (400, True), (409, True), (200, True)],
)
async def test_what_was_turned_away_did_not_go_out(first: int, went_out: bool) -> None:
    async with stub.serving() as vendor:
        vendor.answer({}, first)
        vendor.answer({}, 429)
        way = http.Http(vendor.url)
        try:
            with sending.Sending(yes) as sent:
                await way.send("POST", "/things")
                await way.send("POST", "/things")
        finally:
            await way.close()
    assert sent.went_out is went_out


async def test_what_could_not_connect_did_not_go_out(free_port: int) -> None:
    way = http.Http(f"http://127.0.0.1:{free_port}")
    try:
        with sending.Sending(yes) as sent, pytest.raises(errors.TemporaryError):
            await way.send("POST", "/things")
    finally:
        await way.close()
    assert not sent.went_out
