"""What became of one message to one address: what was seen on the wire, and what follows from it. Pure.

``watched`` makes the exchanges, ``apprised`` asks :func:`judge`, ``notices`` acts on it. A library that answers yes or
no hides the difference that matters: whether the message may have arrived all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from daemon.contract import http

TEMPORARY = (408, 425, 429)  # HTTP statuses that may be others later, beside 5xx
GATEWAYS = (502, 504)  # a gateway passed the message on and lost the answer
BROKE = "the connection broke before the message was sent"


class Verdict(Enum):
    """How a message to one address ended."""

    TAKEN = "taken"
    LATER = "later"  # nothing was taken, and that may change by itself
    REFUSED = "refused"  # nothing was taken, and nothing will be
    LOST = "lost"  # it may have been taken


@dataclass(slots=True)
class Exchange:
    """One request, or one message by SMTP, as far as it has come. *reads*: it asks only, and sends nothing."""

    verdict: Verdict
    text: str
    retry_after: int | None = None
    reads: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message to one address. *service* is Apprise's word for the kind of address; *text* shows
    neither the address nor what the other side said; *retry_after* is in microseconds.
    """

    verdict: Verdict
    text: str
    service: str = ""
    retry_after: int | None = None
    status: int | None = None


def of_http(status: int, retry_after: str, reads: bool, now: int) -> Exchange:
    """The exchange that an HTTP answer ended; *retry_after* is its header, *now* an instant."""
    text = f"it answered {status}"
    if 200 <= status < 300:
        return Exchange(Verdict.TAKEN, text, reads=reads)
    if 300 <= status < 400:
        return Exchange(Verdict.REFUSED, f"{text}, a redirect, which is not followed", reads=reads)
    if status in GATEWAYS:
        return Exchange(Verdict.LOST, text, reads=reads)
    if status in TEMPORARY or status >= 500:
        pause = http.retry_after(http.Reply(status, {"retry-after": retry_after}, b""), now)
        return Exchange(Verdict.LATER, text, pause, reads=reads)
    return Exchange(Verdict.REFUSED, text, reads=reads)


def of_smtp(code: int) -> Exchange:
    """The exchange that a failing SMTP reply ended: 4xx may go better later, 5xx is final (RFC 5321)."""
    return Exchange(Verdict.REFUSED if code >= 500 else Verdict.LATER, f"it answered {code}")


def judge(taken: bool, exchanges: Sequence[Exchange], service: str) -> Report:
    """What became of a message that Apprise says was *taken* or not, after *exchanges* with an address of *service*.

    Where only a part was taken (one of several receivers in one address), or nothing could be seen, nobody knows.
    """
    if taken:
        return Report(Verdict.TAKEN, "", service)
    if not exchanges:
        return Report(Verdict.LOST, "it failed, and whether anything was sent cannot be seen", service)
    sent = [one for one in exchanges if one.verdict is not Verdict.TAKEN or not one.reads]
    lost = [one for one in sent if one.verdict is Verdict.LOST]
    if lost:
        return Report(Verdict.LOST, lost[-1].text, service)
    failed = [one for one in sent if one.verdict is not Verdict.TAKEN]
    if len(failed) < len(sent):
        rest = failed[-1].text if failed else "Apprise counts it as failed"
        return Report(Verdict.LOST, f"it was taken in part: {rest}", service)
    later = [one for one in failed if one.verdict is Verdict.LATER]
    if later or not failed:
        pauses = [one.retry_after for one in later if one.retry_after is not None]
        text = later[-1].text if later else "it failed"
        return Report(Verdict.LATER, text, service, max(pauses, default=None))
    return Report(Verdict.REFUSED, failed[-1].text, service)
