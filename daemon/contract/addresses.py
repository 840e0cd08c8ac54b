"""Addresses that an operator or a template writes out whole, as they are sent. Pure.

``http.request`` and fetched files take them; whether one may be asked is ``guard``'s to say.
"""

import re
from urllib.parse import quote, urlsplit, urlunsplit

# What an address may hold as it is; a percent sign too, since it may be encoded already.
URL_CHARACTERS = "%/?:@!$&'()*+,;=~-._"
# Most addresses are sent as they are written; to see that at once is a tenth of taking them apart.
_AS_SENT = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}))?/[A-Za-z0-9/._~-]*"
)


def plain_url(text: str, otherwise: str = "") -> str:
    """*text* as it is sent: percent-encoded, no fragment. :class:`ValueError` if it is no http address.

    *otherwise* says what to do with a user and password instead of writing them into it.
    """
    if _AS_SENT.fullmatch(text):
        return text
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError('an http or https address is expected, as in "https://api.example.com/orders"')
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"an address holds no user or password{otherwise}")
    if not parts.netloc.isascii() or re.search(r"[\s\\]", parts.netloc):
        raise ValueError("a host name is plain ASCII; an international one is written in its xn-- form")
    path, query = quote(parts.path, safe=URL_CHARACTERS), quote(parts.query, safe=URL_CHARACTERS)
    return urlunsplit((parts.scheme, parts.netloc, path or "/", query, ""))
