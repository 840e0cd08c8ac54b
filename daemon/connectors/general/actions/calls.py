"""``http.request``: any address that the operator allows."""

import codecs
import re
from collections.abc import Iterable, Mapping
from email import message
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from daemon.connectors.general.client import GeneralClient
from daemon.contract import addresses, declare, errors, http, requests, secrets
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

CREDENTIAL_HEADERS = re.compile(r"(?i)auth(?!or(?!i))|cookie|token|secret|api-?key|password|signature")
FRAMING_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade"})
NO_CHARSETS = frozenset({"idna", "punycode"})  # of Python's codecs: for names, and slow with long texts
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def plain_url(text: str) -> str:
    """*text* as it is sent; :class:`ValueError` if it is no http address."""
    return addresses.plain_url(text, "; put them into secret_headers")


class HttpRequest(declare.Parameters):
    """Any call of any server."""

    method: requests.Method = Field("GET", description="The HTTP method.")
    url: Annotated[str, AfterValidator(plain_url)] = Field(
        description="The whole address. Its host must be named in `[http] allow_hosts`."
    )
    query: JsonObject | None = Field(None, description="Query parameters, added to those of `url`.")
    json_: Any = Field(None, alias="json", description="The JSON body.")
    form: JsonObject | None = Field(None, description="Form fields, instead of JSON.")
    headers: dict[str, str] | None = Field(
        None, description="Headers to send. Credentials are refused here: they are shown with the run."
    )
    secret_headers: Annotated[dict[str, str] | None, secrets.Secret()] = Field(
        None, description="Headers whose values are secret: `{ X-Key = { env = 'SHOP_KEY' } }`."
    )

    @model_validator(mode="after")
    def says_one_thing(self) -> "HttpRequest":
        """One body at most, and credentials only where they are kept secret."""
        if self.json_ is not None and self.form is not None:
            raise ValueError("give json or form, one of them")
        open_credentials = sorted(name for name in self.headers or {} if CREDENTIAL_HEADERS.search(name))
        if open_credentials:
            raise ValueError(f"the header {open_credentials[0]} is a credential; put it into secret_headers")
        _refuse_headers({**(self.headers or {}), **(self.secret_headers or {})})
        return self

    def all_headers(self) -> dict[str, str]:
        """The headers to send, secret ones too, each spelled one way: the client's own give way to them."""
        given = {**(self.headers or {}), **(self.secret_headers or {})}
        return {name.title(): value for name, value in given.items()}


def _refuse_headers(headers: Mapping[str, str]) -> None:
    """Names that are no token or not the caller's to set, and values that could end the line.

    A value is never quoted: it may be secret.
    """
    for name, value in headers.items():
        if name.lower() in FRAMING_HEADERS:
            raise ValueError(f"the header {name} is set by the connection itself")
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no header name")
        if any(character < " " or character == "\x7f" for character in value):
            raise ValueError(f"the header {name} holds a line break or another control character")


class HttpAnswer(declare.Result):
    """What the server answered."""

    status: int = Field(description="The HTTP status, 2xx.")
    headers: dict[str, str] = Field(description="The answer's headers in lower case, without credentials.")
    body: Any = Field(
        None, description="The decoded JSON, or the text where it is not JSON, in its declared charset."
    )


_OPEN = secrets.Blanker()  # for calls without secret headers


def doubt_by_method(parameters: HttpRequest) -> Doubt:
    """Repeatable for GET, PUT and DELETE, else unsafe."""
    return Doubt.REPEATABLE if parameters.method in requests.REPEATABLE_METHODS else Doubt.UNSAFE


@declare.action(
    "http.request",
    doubt=Doubt.UNSAFE,
    why=requests.WHY_BY_METHOD,
    doubt_of=doubt_by_method,
    example={
        "method": "POST",
        "url": "https://crm.example.com/deals",
        "secret_headers": {"X-Key": {"env": "CRM_KEY"}},
        "json": {"customer": "Ada", "amount": 1200},
    },
)
async def request(
    client: GeneralClient, parameters: HttpRequest, call: declare.Call
) -> declare.Done[HttpAnswer]:
    """Call a server that is no configured service.

    It goes only to hosts in `[http] allow_hosts`, and to a private address only where that is named there.
    408, 425, 429 and 5xx are tried again; every other failing status is final; redirects are not followed.
    """
    reply = await client.http.send(
        parameters.method,
        parameters.url,
        query=parameters.query,
        json=parameters.json_,
        form=parameters.form,
        headers=parameters.all_headers(),
    )
    shown = blanker((parameters.secret_headers or {}).values())
    refuse(reply, shown.text(reply.quote()))
    told = shown.value({"headers": open_headers(reply.headers), "body": read_body(reply)})
    return declare.Done(HttpAnswer(status=reply.status, **told))


def blanker(values: Iterable[str]) -> secrets.Blanker:
    """Blanks the secret header *values*, and what follows a scheme in them, where a server echoes them."""
    known = [part for value in values for part in (value, value.rpartition(" ")[2])]
    return secrets.Blanker(values=known) if known else _OPEN


def refuse(reply: http.Reply, text: str) -> None:
    """Raise for a failing status. 401 and 403 are final: there is no account that could come back."""
    if reply.status in (401, 403):
        raise errors.PermanentError(f"{reply.status}: {text}", status=reply.status)
    http.raise_for_status(reply, text)


def open_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """*headers* without those whose names speak of credentials."""
    return {name: value for name, value in headers.items() if not CREDENTIAL_HEADERS.search(name)}


def read_body(reply: http.Reply) -> Json:
    """The decoded JSON, the text where it is not JSON whatever it says, None where there is nothing."""
    if reply.is_json:
        try:
            return jsons.loads(reply.body) if reply.body else None
        except jsons.UnfitJson:
            pass
    return read_text(reply) or None


def read_text(reply: http.Reply) -> str:
    """The body in the charset that its type declares; in UTF-8 where it declares none, or one that is not known."""
    declared = message.Message()
    declared["content-type"] = reply.headers.get("content-type", "")
    charset = declared.get_content_charset("utf-8")
    try:
        known = codecs.lookup(charset).name not in NO_CHARSETS
        return reply.body.decode(charset if known else "utf-8", "replace")
    except (LookupError, ValueError):
        return reply.body.decode("utf-8", "replace")
