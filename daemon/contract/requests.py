"""What every connector's ``request`` action shares: parameters, result, and the doubt of a bare method.

``KIND.request`` puts no endpoint of a service out of reach: it calls any path with the account's
authentication, limits and error rules.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, Field, ValidationError

from daemon.contract import declare, errors, files, http
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

M = TypeVar("M", bound=BaseModel)
Files = dict[str, files.File]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
REPEATABLE_METHODS = frozenset({"GET", "PUT", "DELETE"})
WHY_BY_METHOD = "by method: GET, PUT and DELETE are repeatable, POST and PATCH are not"


class Request(declare.Parameters):
    """Any call of a service."""

    method: Method = Field("GET", description="The HTTP method.")
    path: str = Field(
        description="The path below the account's `base_url`, beginning with a slash.", pattern="^/"
    )
    query: JsonObject | None = Field(None, description="Query parameters.")
    json_: Any = Field(None, alias="json", description="The JSON body.")
    form: JsonObject | None = Field(None, description="Form fields, instead of JSON.")
    files: Files | None = Field(None, description="Files of a multipart form, by part name.")


class Answer(declare.Result):
    """An HTTP answer."""

    status: int = Field(description="The HTTP status.")
    body: Any = Field(None, description="The decoded JSON, or the text where it is not JSON.")


def doubt_by_method(parameters: Request) -> Doubt:
    """Repeatable for GET, PUT and DELETE, else unsafe."""
    return Doubt.REPEATABLE if parameters.method in REPEATABLE_METHODS else Doubt.UNSAFE


class Sender(Protocol):
    """A vendor's client, as :func:`action` needs it: any call, its failures sorted."""

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: JsonObject | None,
        json: Json,
        form: JsonObject | None,
        files: http.Files | None,
    ) -> http.Reply:
        """The answer of *path*."""
        ...


def action(name: str, about: str, example: JsonObject) -> declare.Action:
    """The action ``KIND.request``, called *name*; *about* says what is put right in a path, *example* is one call."""

    async def request(client: Sender, parameters: Request, call: declare.Call) -> declare.Done[Answer]:
        reply = await client.send(
            parameters.method,
            parameters.path,
            query=parameters.query,
            json=parameters.json_,
            form=parameters.form,
            files=parameters.files,
        )
        return declare.Done(answer(reply))

    request.__doc__ = about
    declared = declare.action(
        name, doubt=Doubt.UNSAFE, why=WHY_BY_METHOD, doubt_of=doubt_by_method, example=example
    )
    return declared(request)


def answer(reply: http.Reply) -> Answer:
    """*reply* as a result: JSON decoded, anything else as text."""
    body = reply.json() if reply.is_json else reply.body.decode("utf-8", "replace") or None
    return Answer(status=reply.status, body=body)


async def ping(ask: Callable[[], Awaitable[str]]) -> declare.Ping:
    """Whether the credentials with which *ask* asks are good, and what it found; other troubles are raised."""
    try:
        return declare.Ping(authorized=True, detail=await ask())
    except errors.TemporaryError as refused:
        if not refused.unauthorized:
            raise
        return declare.Ping(authorized=False, detail=refused.text)


def parse(vendor: str, model: type[M], answer: Json) -> M:
    """A *vendor*'s *answer* as a *model*; :class:`StrangeAnswer` says what does not fit, without its value."""
    try:
        return model.model_validate(answer)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = f"the answer is not what {vendor} gives ({place or 'all of it'}: {first['msg']}). Is base_url right?"
        raise errors.StrangeAnswer(said) from None
