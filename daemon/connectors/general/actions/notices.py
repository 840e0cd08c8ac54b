"""``notify.send``: something that people are told, through Apprise, at addresses that the config names.

An address holds tokens and passwords, so reactions know names only, and nothing here shows more than those. Apprise
blocks, so each address has a thread of its own for a call, which nobody waits for longer than :data:`PATIENCE`.
"""

import asyncio
import contextvars
import importlib
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from daemon.connectors.general.actions.verdicts import Report, Verdict
from daemon.connectors.general.client import GeneralClient
from daemon.contract import declare, errors, sending
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

T = TypeVar("T")

PATIENCE = 60.0  # seconds for one address, after which nobody knows whether it was taken


def filled(text: str) -> str:
    """*text* if there is something in it, else :class:`ValueError`."""
    if not text.strip():
        raise ValueError("it is empty")
    return text


class SendNotice(declare.Parameters):
    """Something to tell people."""

    to: Annotated[list[str], Field(min_length=1)] | str = Field(
        description="Whom: a name of `[notify]`, or a list of them.",
        examples=["sales", ["sales", "operators"]],
    )
    body: Annotated[str, AfterValidator(filled)] = Field(description="What they are told.")
    title: str = Field("", description="Its title, on one line; a mail's subject.")
    type: Literal["info", "success", "warning", "failure"] = Field(
        "info", description="How grave it is, where the address can show that: by colour or picture."
    )
    format: Literal["text", "markdown", "html"] = Field(
        "text", description="What `body` is written in. It is converted to what the address takes."
    )

    def names(self) -> list[str]:
        """Whom it goes to, each once."""
        return list(dict.fromkeys([self.to] if isinstance(self.to, str) else self.to))


class Told(declare.Result):
    """One who was told."""

    to: str = Field(description="The name under `[notify]`.")
    service: str = Field(description="What kind of address it is, in Apprise's word: `E-Mail`, `Slack`.")


class SentNotice(declare.Result):
    """Who was told."""

    sent: list[Told] = Field(description="All of them, in the order of `to`.")


@declare.action(
    "notify.send",
    doubt=Doubt.UNSAFE,
    why="a message cannot be looked up where it was sent, and a second one reaches people a second time",
    example={"to": "sales", "title": "An offer was opened", "body": "Ada looks at her offer right now."},
)
async def send(client: GeneralClient, parameters: SendNotice, call: declare.Call) -> declare.Done[SentNotice]:
    """Tell people something: by mail, in a chat, on a phone, wherever Apprise can reach.

    `[notify]` gives each address a name. Where one of several cannot be reached, the step is tried again for that one
    alone: who was told is remembered with the step and is not told twice, after a restart or a retry by hand either.
    Where nobody knows whether a message arrived, the step is held, and says for whom. Redirects are not followed, and
    an address's own `retry` and `optional` do not count.
    """
    names = parameters.names()
    told: dict[str, str] = dict((call.so_far or {}).get("sent", {}))
    addresses = {name: client.address(name) for name in names if name not in told}
    await _off_loop(_load)
    await sending.check()  # loading takes its time: the step must still be ours
    sending.note("POST")
    reports = await asyncio.gather(*(_deliver(address, parameters) for address in addresses.values()))
    ended = dict(zip(addresses, reports, strict=True))
    told |= {name: one.service for name, one in ended.items() if one.verdict is Verdict.TAKEN}
    failed = {name: one for name, one in ended.items() if one.verdict is not Verdict.TAKEN}
    if failed:
        raise describe_failure(failed, told)
    return declare.Done(SentNotice(sent=[Told(to=name, service=told[name]) for name in names]))


def describe_failure(failed: Mapping[str, Report], told: Mapping[str, str]) -> errors.ServiceError:
    """The failure that *failed* add up to, by name, when those in *told* were told. A doubt about one is a doubt about
    the step; what may go better later is tried later, whatever else was refused.
    """
    said = "; ".join(
        f"{name}{f' ({one.service})' if one.service else ''}: {one.text}" for name, one in failed.items()
    )
    text = f"not everybody was told: {said}." + (f" Told: {', '.join(told)}." if told else "")
    verdicts = {one.verdict for one in failed.values()}
    pauses = [one.retry_after for one in failed.values() if one.retry_after is not None]
    wrong: errors.ServiceError
    if Verdict.LOST in verdicts:
        unknown = ", ".join(name for name, one in failed.items() if one.verdict is Verdict.LOST)
        text = f"{text} Nobody knows whether it reached {unknown}: ask there."
        wrong = errors.TemporaryError(text, in_doubt=True)
    elif Verdict.LATER in verdicts:
        wrong = errors.TemporaryError(text, retry_after=max(pauses, default=None))
    else:
        wrong = errors.PermanentError(text)
    so_far: JsonObject = {"sent": dict(told)}
    wrong.so_far = so_far if told else None
    return wrong


async def _deliver(address: str, parameters: SendNotice) -> Report:
    def work() -> Report:
        from daemon.connectors.general.actions import apprised

        title = " ".join(parameters.title.split())  # a line break would end a mail's header
        message = apprised.Message(title, parameters.body, parameters.type, parameters.format)
        return apprised.send(address, message)

    try:
        async with asyncio.timeout(PATIENCE):
            return await _off_loop(work)
    except TimeoutError:
        return Report(Verdict.LOST, f"no end within {PATIENCE:.0f} seconds")


def _load() -> None:
    """Import Apprise and its plugins: time and memory that a daemon without notices shall not need."""
    importlib.import_module("daemon.connectors.general.actions.apprised")


async def _off_loop(work: Callable[[], T]) -> T:
    """What *work* gives on a thread of its own, which holds up neither other threads' work nor the process's end."""
    ended: futures.Future[T] = futures.Future()
    ended.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            ended.set_result(context.run(work))
        except BaseException as broken:
            ended.set_exception(broken)

    threading.Thread(target=run, name="notice", daemon=True).start()
    return await asyncio.wrap_future(ended)
