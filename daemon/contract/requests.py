"""What every connector's ``request`` action shares: parameters, result, and the doubt of a bare method.

``KIND.request`` puts no endpoint of a service out of reach: it calls any path with the account's
authentication, limits and error rules.
"""

import mimetypes
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from daemon.contract import errors, http
from daemon.contract.declare import Parameters, Result
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
REPEATABLE_METHODS = frozenset({"GET", "PUT", "DELETE"})
WHY_BY_METHOD = "by method: GET, PUT and DELETE are repeatable, POST and PATCH are not"


class FileContent(BaseModel):
    """A file given by its content."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    name: str = Field(description="The file's name.")
    content: str = Field(description="The file's text.")


File = Annotated[str | FileContent, Field(description="A path on this machine, or `{ name, content }`.")]


class Request(Parameters):
    """Any call of a service."""

    method: Method = Field("GET", description="The HTTP method.")
    path: str = Field(
        description="The path below the account's `base_url`, beginning with a slash.", pattern="^/"
    )
    query: JsonObject | None = Field(None, description="Query parameters.")
    json_: Any = Field(None, alias="json", description="The JSON body.")
    form: JsonObject | None = Field(None, description="Form fields, instead of JSON.")
    files: dict[str, File] | None = Field(None, description="Files of a multipart form, by part name.")


class Answer(Result):
    """An HTTP answer."""

    status: int = Field(description="The HTTP status.")
    body: Any = Field(None, description="The decoded JSON, or the text where it is not JSON.")


def doubt_by_method(parameters: Request) -> Doubt:
    """Repeatable for GET, PUT and DELETE, else unsafe."""
    return Doubt.REPEATABLE if parameters.method in REPEATABLE_METHODS else Doubt.UNSAFE


def answer(reply: http.Reply) -> Answer:
    """*reply* as a result: JSON decoded, anything else as text."""
    body = reply.json() if reply.is_json else reply.body.decode("utf-8", "replace") or None
    return Answer(status=reply.status, body=body)


def read_files(files: dict[str, str | FileContent] | None) -> dict[str, tuple[str, bytes, str]] | None:
    """Parts for :meth:`Http.send` of *files*. :class:`PermanentError` where a path cannot be read."""
    return {part: read_file(file) for part, file in files.items()} if files else None


def read_file(file: str | FileContent) -> tuple[str, bytes, str]:
    """``(name, content, content type)`` of a path or of ``{ name, content }``."""
    if isinstance(file, FileContent):
        return file.name, file.content.encode(), guess_type(file.name)
    path = Path(file)
    try:
        return path.name, path.read_bytes(), guess_type(path.name)
    except OSError as broken:
        raise errors.PermanentError(f"cannot read the file {file}: {broken.strerror}") from None


def guess_type(name: str) -> str:
    """The content type that *name* suggests."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
