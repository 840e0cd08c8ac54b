"""Telling people things: at an HTTP server and a mail server on loopback, through Apprise itself."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.connectors.general import client
from daemon.connectors.general.actions import apprised, notices
from daemon.connectors.general.actions.verdicts import Report, Verdict
from daemon.contract import errors, http, secret_forms, sending
from daemon.model import times
from tests import ports
from tests.connectors import stub
from tests.connectors.general import mail

PASSWORD = "canary-notice-yranac"


@pytest.fixture
async def mailbox() -> AsyncIterator[mail.MailServer]:
    async with mail.serving() as served:
        yield served


def reaching(**addresses: str) -> client.GeneralClient:
    targets = {name: secret_forms.Secret("text", address) for name, address in addresses.items()}
    return client.GeneralClient(http.Http(""), targets=targets)


def post_to(server: stub.Stub, more: str = "") -> str:
    return f"json://ada:{PASSWORD}@{server.url.removeprefix('http://')}/hook{more}"


def mail_to(server: mail.MailServer, *receivers: str) -> str:
    to = ",".join(receivers or ("sales@example.com",))
    return f"mailto://127.0.0.1:{server.port}?from=pointsman@example.com&to={to}"


async def tell(people: client.GeneralClient, **given_parameters: object) -> notices.SentNotice:
    parameters = notices.SendNotice.model_validate({"body": "A page was opened.", **given_parameters})
    return (await notices.send.call(people, parameters, stub.call_of())).result


async def failing(people: client.GeneralClient, **given_parameters: object) -> errors.ServiceError:
    with pytest.raises(errors.ServiceError) as caught:
        await tell(people, **given_parameters)
    assert PASSWORD not in caught.value.text
    return caught.value


async def test_a_message_is_posted_once_and_says_to_whom(server: stub.Stub) -> None:
    server.answer({})
    sent = await tell(reaching(sales=post_to(server)), to="sales", title="Opened\r\nBcc: eve", type="success")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/hook")
    assert asked.json["message"] == "A page was opened."
    assert (asked.json["title"], asked.json["type"]) == ("Opened Bcc: eve", "success")
    assert sent.model_dump() == {"sent": [{"to": "sales", "service": "JSON"}]}


async def test_a_mail_arrives_with_its_subject_and_in_its_format(mailbox: mail.MailServer) -> None:
    people = reaching(sales=mail_to(mailbox))
    sent = await tell(people, to="sales", title="Offer opened", body="**Ada** opened it", format="markdown")
    (message,) = mailbox.messages
    assert (message["subject"], message["to"]) == ("Offer opened", "sales@example.com")
    assert "<strong>Ada</strong>" in message.as_string()
    assert sent.sent[0].service == "E-Mail"


async def test_text_is_not_taken_for_html(mailbox: mail.MailServer) -> None:
    people = reaching(sales=mail_to(mailbox) + "&format=html")
    await tell(people, to="sales", body="<script>alert(1)</script>")
    (message,) = mailbox.messages
    part = message.get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


async def test_each_is_told_once_however_often_named(server: stub.Stub, mailbox: mail.MailServer) -> None:
    server.answer({})
    people = reaching(chat=post_to(server), sales=mail_to(mailbox))
    sent = await tell(people, to=["sales", "chat", "sales"])
    assert [one.to for one in sent.sent] == ["sales", "chat"]
    assert (len(server.asked), len(mailbox.taken)) == (1, 1)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_what_may_go_better_is_tried_later(server: stub.Stub, status: int) -> None:
    server.answer(f"you sent {PASSWORD}".encode(), status, "text/plain", Retry_After="3")
    failed = await failing(reaching(chat=post_to(server)), to="chat")
    assert isinstance(failed, errors.TemporaryError)
    assert (failed.in_doubt, failed.retry_after) == (False, 3 * times.SECOND)
    assert f"chat (JSON): it answered {status}" in failed.text
    assert failed.so_far is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_what_is_refused_is_final(server: stub.Stub, status: int) -> None:
    server.answer({}, status)
    failed = await failing(reaching(chat=post_to(server)), to="chat")
    assert isinstance(failed, errors.PermanentError)
    assert f"it answered {status}" in failed.text


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_whatever_the_address_asks(server: stub.Stub, status: int) -> None:
    server.answer({}, status, Location=f"{server.url}/elsewhere")
    failed = await failing(reaching(chat=post_to(server, "?redirect=yes")), to="chat")
    assert isinstance(failed, errors.PermanentError)
    assert "redirect" in failed.text
    assert [one.path for one in server.asked] == ["/hook"]


@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateway_that_lost_the_answer_leaves_a_doubt(server: stub.Stub, status: int) -> None:
    server.answer({}, status)
    failed = await failing(reaching(chat=post_to(server)), to="chat")
    assert isinstance(failed, errors.TemporaryError)
    assert failed.in_doubt
    assert "Nobody knows whether it reached chat" in failed.text


async def test_a_plugin_with_a_way_of_its_own_is_watched_too(server: stub.Stub) -> None:
    server.answer({"errcode": "M_FORBIDDEN"}, 403)
    address = f"matrix://ada:{PASSWORD}@{server.url.removeprefix('http://')}/%23room"
    failed = await failing(reaching(chat=address), to="chat")
    assert isinstance(failed, errors.PermanentError)
    assert "chat (Matrix): it answered 403" in failed.text


async def test_apprise_does_not_try_again_by_itself(server: stub.Stub) -> None:
    server.answer({}, 500)
    await failing(reaching(chat=post_to(server, "?retry=5&wait=0&optional=yes")), to="chat")
    assert len(server.asked) == 1


@pytest.mark.parametrize("scheme", ["json", "jsons", "mailto", "mailtos"])
async def test_where_nothing_listens_nothing_was_sent(scheme: str) -> None:
    more = "?from=a@example.com&to=b@example.com" if scheme.startswith("mail") else ""
    people = reaching(chat=f"{scheme}://ada:{PASSWORD}@127.0.0.1:{ports.free_port()}{more}")
    failed = await failing(people, to="chat")
    assert isinstance(failed, errors.TemporaryError)
    assert not failed.in_doubt
    assert "cannot connect" in failed.text


async def test_an_answer_that_is_lost_leaves_a_doubt() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as lost:
        port = lost.sockets[0].getsockname()[1]
        failed = await failing(reaching(chat=f"json://127.0.0.1:{port}"), to="chat")
    assert isinstance(failed, errors.TemporaryError)
    assert failed.in_doubt


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failed = await failing(reaching(chat=f"json://127.0.0.1:{silent.getsockname()[1]}?rto=2"), to="chat")
    assert isinstance(failed, errors.TemporaryError)
    assert failed.in_doubt
    assert "chat: no end within" in failed.text


@pytest.mark.parametrize(
    "replies, kind, in_doubt",
    [
        ({"mail": "451 later"}, errors.TemporaryError, False),
        ({"rcpt": "450 busy"}, errors.TemporaryError, False),
        ({"rcpt": "550 nobody here"}, errors.PermanentError, None),
        ({"data": "451 no room"}, errors.TemporaryError, False),
        ({"data": "554 no"}, errors.PermanentError, None),
        ({".": "452 no room"}, errors.TemporaryError, False),
        ({".": "554 spam"}, errors.PermanentError, None),
        ({".": "hang up"}, errors.TemporaryError, True),
        ({"rcpt": "hang up"}, errors.TemporaryError, False),
        ({"ehlo": "hang up"}, errors.TemporaryError, False),
    ],
)
async def test_a_mail_servers_answers_are_told_apart(
    mailbox: mail.MailServer, replies: dict[str, str], kind: type[errors.ServiceError], in_doubt: bool | None
) -> None:
    mailbox.replies = replies
    failed = await failing(reaching(sales=mail_to(mailbox)), to="sales")
    assert type(failed) is kind
    assert getattr(failed, "in_doubt", None) == in_doubt
    assert mailbox.taken == []


async def test_a_mail_that_some_of_its_receivers_took_is_in_doubt(mailbox: mail.MailServer) -> None:
    mailbox.refused = {"eve@example.com"}
    address = mail_to(mailbox, "ada@example.com", "eve@example.com")
    failed = await failing(reaching(sales=address), to="sales")
    assert isinstance(failed, errors.TemporaryError)
    assert failed.in_doubt
    assert "taken in part: it answered 550" in failed.text
    assert len(mailbox.taken) == 1


async def test_who_was_told_is_said_and_is_not_told_again(
    server: stub.Stub, mailbox: mail.MailServer
) -> None:
    server.answer({}, 503).answer({})
    people = reaching(sales=mail_to(mailbox), chat=post_to(server))
    failed = await failing(people, to=["sales", "chat"])
    assert isinstance(failed, errors.TemporaryError)
    assert not failed.in_doubt
    assert failed.text.endswith("Told: sales.")
    assert failed.so_far == {"sent": {"sales": "E-Mail"}}
    again = notices.SendNotice(to=["sales", "chat"], body="A page was opened.")
    done = await notices.send.call(people, again, replace(stub.call_of(), so_far=failed.so_far))
    assert [one.to for one in done.result.sent] == ["sales", "chat"]
    assert (len(mailbox.taken), len(server.asked)) == (1, 2)


async def test_nothing_is_sent_for_a_step_that_is_ours_no_more(server: stub.Stub) -> None:
    async def lost() -> bool:
        return False

    with sending.Sending(lost), pytest.raises(sending.TooLate):
        await tell(reaching(chat=post_to(server)), to="chat")
    assert server.asked == []


async def test_nobody_is_told_where_one_name_is_unknown(server: stub.Stub) -> None:
    failed = await failing(reaching(chat=post_to(server)), to=["chat", "sales"])
    assert isinstance(failed, errors.PermanentError)
    assert "nobody is called 'sales' under [notify]" in failed.text
    assert server.asked == []


async def test_an_address_is_looked_up_for_each_call(
    server: stub.Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer({})
    people = client.GeneralClient(http.Http(""), targets={"chat": secret_forms.Secret("env", "CHAT_URL")})
    monkeypatch.delenv("CHAT_URL", raising=False)
    failed = await failing(people, to="chat")
    assert "CHAT_URL is not set" in failed.text
    monkeypatch.setenv("CHAT_URL", post_to(server))
    await tell(people, to="chat")
    assert len(server.asked) == 1


async def test_the_libraries_say_nothing(
    server: stub.Stub, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer({}, 500)
    with caplog.at_level(logging.DEBUG):
        await failing(reaching(chat=post_to(server), dead="json://127.0.0.1:1"), to=["chat", "dead"])
    said = [one for one in caplog.records if one.name.partition(".")[0] in apprised.LOGGERS]
    assert said == []
    assert PASSWORD not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "given_parameters",
    [
        {"to": []},
        {"to": "a", "body": "  "},
        {"body": "b"},
        {"to": "a", "type": "grave"},
        {"to": "a", "url": "x"},
    ],
)
def test_other_parameters_are_refused(given_parameters: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        notices.SendNotice.model_validate({"body": "b", **given_parameters})


@pytest.mark.parametrize(
    "address, wrong, help",
    [
        ("sales@example.com", "no Apprise address", "KIND://"),
        (f"slak://{PASSWORD}/b/c", "no such kind", "slack://"),
        (f"slack://{PASSWORD}", "does not understand this slack address", "Look up"),
        (f"mqtt://ada:{PASSWORD}@mq.example.com/topic", "mqtt addresses need a library", "Install paho-mqtt"),
        (f"json://ada:{PASSWORD}@chat.example.com", "", ""),
        ("mailto://ada:secret@mail.example.com?to=sales@example.com", "", ""),
    ],
)
def test_an_address_is_judged_and_not_shown(address: str, wrong: str, help: str) -> None:
    said, advice = client.judge_target(address)
    assert wrong in said
    assert bool(said) == bool(wrong)
    assert help in advice
    assert PASSWORD not in said + advice


REPORTS = st.builds(
    Report,
    verdict=st.sampled_from([Verdict.LATER, Verdict.REFUSED, Verdict.LOST]),
    text=st.just("it answered 500"),
    service=st.sampled_from(["", "JSON"]),
    retry_after=st.none() | st.integers(0, times.DAY),
)


@given(
    st.dictionaries(st.sampled_from("abc"), REPORTS, min_size=1),
    st.dictionaries(st.sampled_from("xyz"), st.just("E-Mail")),
)
def test_a_failure_is_as_grave_as_its_gravest_part(failed: dict[str, Report], told: dict[str, str]) -> None:
    wrong = notices.describe_failure(failed, told)
    verdicts = {one.verdict for one in failed.values()}
    assert isinstance(wrong, errors.PermanentError) == (verdicts == {Verdict.REFUSED})
    assert getattr(wrong, "in_doubt", False) == (Verdict.LOST in verdicts)
    assert wrong.so_far == ({"sent": told} if told else None)
    assert all(name in wrong.text for name in [*failed, *told])
