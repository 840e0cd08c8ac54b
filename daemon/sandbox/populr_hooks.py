"""Populr's callback URLs: which are allowed, and what their placeholders become. Pure.

``populr_pops`` and ``populr_tracers`` check with it, ``populr_calls`` fills in.
"""

import re
import urllib.parse

from daemon.sandbox import populr_group

ALLOWED = ("id", "pop-id", "tracer-id")
_ARGUMENT = re.compile(r"%\{([^}]*)\}")


def check(url: str) -> None:
    """``invalid_webhook_url`` unless *url* is an http(s) URL with no other arguments than
    :data:`ALLOWED`."""
    arguments = _ARGUMENT.findall(url)
    plain = _ARGUMENT.sub("0", url)
    try:
        parts = urllib.parse.urlsplit(plain)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not set(plain) & set(" {}\\<>")
    except ValueError:
        good = False
    if not good or any(argument not in ALLOWED for argument in arguments):
        text = (
            f"The webhook URL you provided ({url}) cannot be used. It must be a valid URL, and the only "
            "allowed arguments are 'id' (or 'pop-id') and 'tracer-id'"
        )
        raise populr_group.refusal(400, "invalid_webhook_url", text)


def fill(url: str, pop_id: str, tracer_id: str = "") -> str:
    """*url* with its placeholders replaced."""
    values = {"id": pop_id, "pop-id": pop_id, "tracer-id": tracer_id}
    return _ARGUMENT.sub(lambda found: values.get(found[1], found[0]), url)
