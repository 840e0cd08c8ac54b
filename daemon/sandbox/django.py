"""Manners that Popily and Compass share, because both are Django REST framework underneath.

Trailing slashes ("all calls include a trailing slash"), ``Authorization: Token …``, pages with an
absolute ``next``, and the bodies of errors (Compass API text; Popily: inferred from its clients).
"""

import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from daemon.sandbox import exchange

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
NO_CREDENTIALS = "Authentication credentials were not provided."
REQUIRED = "This field is required."
PAGE_SIZE = 20

_DETAILS = {
    401: "Invalid token.",
    403: "You do not have permission to perform this action.",
    404: "Not found.",
    429: "Request was throttled.",
    500: "A server error occurred.",
}


def detail(status: int, text: str | None = None, **headers: str) -> exchange.Reply:
    """``{"detail": …}`` in the framework's usual words."""
    return exchange.Reply(status, {"detail": text or _DETAILS.get(status, "Error.")}, headers=headers)


def refuse(status: int, text: str | None = None) -> exchange.Refused:
    """To be raised: the request ends with :func:`detail`."""
    return exchange.Refused(detail(status, text))


def invalid(**fields: str) -> exchange.Refused:
    """To be raised: 400 with a list of texts for each field."""
    return exchange.Refused(exchange.Reply(400, {name: [text] for name, text in fields.items()}))


def invalid_choice(field: str, value: Any) -> exchange.Refused:
    """To be raised: 400, the value is none of the field's choices."""
    return invalid(**{field: f'"{value}" is not a valid choice.'})


def dispatch(routes: exchange.Routes, ask: exchange.Ask) -> exchange.Reply:
    """Route one request whose credentials are good. A GET without its slash is redirected, anything
    else without it is refused: the body would not survive a redirect."""
    found = routes.find(ask.method, ask.path)
    if found is not None:
        answer, arguments = found
        return answer(ask, *arguments)
    if not ask.path.endswith("/") and routes.methods(ask.path + "/"):
        return _without_slash(ask)
    if routes.methods(ask.path):
        return detail(405, f'Method "{ask.method}" not allowed.', Allow=", ".join(routes.methods(ask.path)))
    return detail(404)


def _without_slash(ask: exchange.Ask) -> exchange.Reply:
    if ask.method in ("GET", "HEAD"):
        target = "/api" + urllib.parse.quote(ask.path) + "/"
        query = urllib.parse.urlencode(ask.query)
        headers = {"Location": f"{target}?{query}" if query else target}
        return exchange.Reply(301, b"", headers=headers, content_type="text/html")
    return exchange.Reply(404, b"<h1>Not Found</h1>", content_type="text/html")


def token(ask: exchange.Ask) -> str:
    """The token of the request; 401 when the header is not there or is not ``Token <token>``."""
    word, _, value = ask.headers.get("Authorization", "").partition(" ")
    if word != "Token" or not value:
        raise refuse(401, NO_CREDENTIALS)
    return value


def check_body(ask: exchange.Ask, *allowed: str) -> None:
    """415 for a content type that is not *allowed*, 400 for a body that is not what it says."""
    if ask.body is None and not ask.unreadable:
        return  # the framework parses no body where there is none, whatever its type
    if ask.content_type not in allowed:
        raise refuse(415, f'Unsupported media type "{ask.content_type}" in request.')
    if ask.unreadable:
        raise refuse(400, "JSON parse error - Expecting value")


def require(body: exchange.Record, *names: str) -> None:
    """400 naming every field of *names* that is missing, null or blank."""
    wrong = {n: REQUIRED for n in names if n not in body}
    wrong |= {n: "This field may not be null." for n in names if n in body and body[n] is None}
    wrong |= {n: "This field may not be blank." for n in names if body.get(n) == ""}
    if wrong:
        raise invalid(**wrong)


def check_text(body: exchange.Record, *names: str) -> None:
    """400 naming every field of *names* that is there but no text (null passes)."""
    wrong = {n: "Not a valid string." for n in names if not isinstance(body.get(n), str | int | float | None)}
    if wrong:
        raise invalid(**wrong)


def page(
    ask: exchange.Ask, items: Sequence[Any], url: str, show: Callable[[Any], Any] = lambda item: item
) -> exchange.Reply:
    """One page of *items*; *url* is what ``next`` and ``previous`` name, whatever host was asked."""
    number = exchange.whole(ask.query.get("page", "1"), 0)
    last = max(1, -(-len(items) // PAGE_SIZE))
    if not 1 <= number <= last:
        raise refuse(404, "Invalid page.")
    shown = items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    body = {
        "count": len(items),
        "next": _link(ask, url, number + 1) if number < last else None,
        "previous": _link(ask, url, number - 1) if number > 1 else None,
        "results": [show(item) for item in shown],
    }
    return exchange.Reply(200, body)


def _link(ask: exchange.Ask, url: str, number: int) -> str:
    return f"{url}?{urllib.parse.urlencode({**ask.query, 'page': str(number)})}"


def truth(value: Any) -> bool:
    """A boolean of a query, form or JSON body: ``f F false False FALSE 0`` are false (Compass text)."""
    return value not in (None, False, 0, "", "f", "F", "false", "False", "FALSE", "0")
