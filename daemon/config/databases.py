"""The text of ``[database] url``: what no driver could open is told here, before anything is opened. Pure.

Called by ``build``. The parts of an address are told apart as ``journal.postgres`` will, whose library is no guest
in this room.
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from daemon.contract import wording

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSIONS = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
FORM = "Write sqlite:///FILE or postgresql://USER@HOST/NAME."
ENCODED = "In a password, write @ as %40, / as %2F and : as %3A."

_ADDRESS = re.compile(
    r"postgresql://(?:[^:/]*(?::[^@]*)?@)?"
    r"(?:\[(?P<six>[^/?]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[^/?]*))?"
    r"(?:/(?P<name>[^?]*))?(?:\?(?P<query>[^@]*))?"
)
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_FOLDER = re.compile(r"/[^,:]*")


def judge_url(url: str) -> tuple[str, str]:
    """What is wrong with *url* and what to do; two empty texts where nothing is. Nothing of a password is shown."""
    if url.startswith("sqlite:///"):
        return "", ""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return "the journal is a SQLite file or a PostgreSQL database", FORM
    if not (_is_six(found["six"]) if found["six"] else _is_host(found["host"] or "localhost")):
        return "the journal's server has a host that cannot be one", f"{FORM} {ENCODED}"
    if found["port"] and not _is_port(found["port"]):
        return "the port of the journal's server is no number from 1 to 65535", f"{FORM} {ENCODED}"
    if not found["name"]:
        return "the name of the journal's database is missing", FORM
    return _judge_options(parse_qsl(found["query"] or "", keep_blank_values=True))


def _judge_options(options: list[tuple[str, str]]) -> tuple[str, str]:
    several = sum(key == "host" for key, _ in options) > 1
    seen: set[str] = set()
    for key, value in options:
        if key not in OPTIONS:
            known = f"Known here: {', '.join(OPTIONS)}."
            return f"the url has an unknown option {wording.shorten(key)}", wording.meant(
                key, OPTIONS, otherwise=known
            )
        judge, form = OPTIONS[key]
        if not judge(value) or (several and key == "host" and ":" not in value):
            return f"the url's {key} cannot be that", f"Write {form}."
        if key in seen and key != "host":
            return f"the url has {key} twice", "Keep one of the two."
        seen.add(key)
    return "", ""


def _is_six(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    return len(host) < 254 and _HOST.fullmatch(host) is not None


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536


def _is_place(value: str) -> bool:
    host, colon, port = value.partition(":")
    return _FOLDER.fullmatch(value) is not None or (_is_host(host) and (not colon or _is_port(port)))


OPTIONS: dict[str, tuple[Callable[[str], bool], str]] = {
    "host": (_is_place, "HOST, HOST:PORT or the folder of a socket; of several each as host=HOST:PORT"),
    "passfile": (bool, "the name of a file"),
    "password": (bool, "text"),
    "port": (_is_port, "a number from 1 to 65535"),
    "sslmode": (SSL_MODES.__contains__, f"one of {', '.join(SSL_MODES)}"),
    "target_session_attrs": (SESSIONS.__contains__, f"one of {', '.join(SESSIONS)}"),
    "user": (bool, "a name"),
}
"""What may stand behind the ``?`` of an address: whether a value is good, and how one is written."""
