"""Apprise: the one file that knows it. Addresses are judged here, messages sent, on threads of their own.

Imported when the first address is judged or the first message sent, never with the daemon: it is large. Called by
``notices`` and by the connector's face. Apprise's log is silent: it names hosts, and sometimes more.
"""

import logging
import warnings
from dataclasses import dataclass

import apprise

from daemon.connectors.general.actions import verdicts, watched
from daemon.connectors.general.actions.verdicts import Report, Verdict
from daemon.contract import wording

LOGGERS = (
    "apprise",
    "requests",
    "urllib3",
    "charset_normalizer",
    "MARKDOWN",
    "oauthlib",
    "requests_oauthlib",
)
SILENCE = logging.CRITICAL + 1
LOOK = "Look up the kind's form in Apprise's own pages."

for _name in LOGGERS:
    _logger = logging.getLogger(_name)
    _logger.addHandler(logging.NullHandler())
    _logger.setLevel(SILENCE)
    _logger.propagate = False
watched.install()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Apprise still imports is its own affair
    _plugins = apprise.NotificationManager()  # type: ignore[no-untyped-call] # it has types, but not for these
    KINDS: tuple[str, ...] = tuple(sorted(_plugins.schemas()))  # type: ignore[no-untyped-call] # loads every plugin


@dataclass(frozen=True, slots=True)
class Message:
    """What is said. *kind* is ``info success warning failure``, *format* ``text markdown html``."""

    title: str
    body: str
    kind: str
    format: str


def _asset() -> apprise.AppriseAsset:
    """How Apprise is to work: on our thread, without retries, redirects, files or time-outs of its own."""
    return apprise.AppriseAsset(
        storage_mode="memory",
        service_timeout=0,
        app_id="Pointsman",
        app_desc="Pointsman",
        async_mode=False,
        http_redirects=False,
        default_service_retry=0,
        pgp_autogen=False,
        pem_autogen=False,
    )


def _understood(address: str) -> "apprise.NotifyBase | None":
    try:
        return apprise.Apprise.instantiate(address, asset=_asset())
    except Exception:  # a plugin's own; whatever it says may quote the address
        return None


def _lacking(kind: str) -> str:
    """What has to be installed before addresses of *kind* can be used, "" for nothing that Apprise names."""
    if kind not in _plugins:
        return ""
    plugin = _plugins[kind]
    if plugin.enabled:
        return ""
    needed = plugin.requirements.get("packages_required") or ()
    return needed if isinstance(needed, str) else " and ".join(needed)


def what_is_wrong(address: str) -> tuple[str, str]:
    """What is wrong with *address*, and what to do; two empty texts where Apprise understands it. No part of it is
    shown.
    """
    kind, colon, _ = address.partition("://")
    if not colon:
        return "this is no Apprise address", "Write it as Apprise does: KIND://…"
    if _understood(address) is not None:
        return "", ""
    libraries = _lacking(kind.lower())
    if libraries:
        return (
            f"{kind.lower()} addresses need a library that is not there",
            f"Install {libraries} beside Pointsman.",
        )
    if kind.lower() not in KINDS:
        near = wording.nearest(kind.lower(), KINDS)
        return "Apprise knows no such kind of address", f"Did you mean {near}://…?" if near else LOOK
    return f"Apprise does not understand this {kind.lower()} address", LOOK


def send(address: str, message: Message) -> Report:
    """Send *message* to *address*, once; blocks until it is known what became of it."""
    plugin = _understood(address)
    if plugin is None:
        return Report(Verdict.REFUSED, "Apprise does not understand its address")
    plugin.retry, plugin.optional = 0, False  # an address may ask for both
    way = apprise.Apprise(asset=plugin.asset)
    way.add(plugin)
    with watched.watching() as exchanges:
        try:
            taken = way.notify(
                body=message.body,
                title=message.title,
                notify_type=message.kind,
                body_format=message.format,
            )
        except Exception:  # a plugin's own: what was seen decides, and its text may quote the address
            taken = apprise.AppriseResult(apprise.AppriseResultStatus.FAILURE)
    return verdicts.judge(bool(taken), exchanges, str(plugin.service_name))
