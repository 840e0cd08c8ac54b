"""``file.write``: files on this machine, below the folders that the operator allows."""

import asyncio
import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from daemon.connectors.general.client import GeneralClient
from daemon.contract import declare, errors, own_paths, writing
from daemon.model.runs import Doubt


def decodable(text: str) -> str:
    """*text* if it is base64, else :class:`ValueError`."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is no base64") from None
    return text


class WriteFile(declare.Parameters):
    """A file to be."""

    path: str = Field(
        description="Where, from the root on; a relative path is below the first folder of `[daemon] write_below`. "
        "Folders that are missing are made.",
        examples=["reports/signups.csv"],
        min_length=1,
    )
    content: str | None = Field(None, description="What it holds, as text; written as UTF-8.")
    base64_: Annotated[str, AfterValidator(decodable)] | None = Field(
        None,
        alias="base64",
        description="What it holds, in base64, as `plotly.render_image` answers a picture.",
    )

    @model_validator(mode="after")
    def has_one_content(self) -> "WriteFile":
        """Either form."""
        if (self.content is None) == (self.base64_ is None):
            raise ValueError("give content or base64, one of them")
        return self

    def octets(self) -> bytes:
        """What is written."""
        if self.base64_ is not None:
            return base64.b64decode(self.base64_)
        return (self.content or "").encode("utf-8", "replace")


class WrittenFile(declare.Result):
    """The file that was written."""

    path: str = Field(description="Its whole path.")
    size: int = Field(description="How large it is, in bytes.")


@declare.action(
    "file.write",
    doubt=Doubt.REPEATABLE,
    why="it replaces the whole file: a second time gives the same one",
    writes_to=("path",),
    example={"path": "/var/lib/pointsman/signups.csv", "content": "city,signups\nOslo,42\n"},
)
async def write_file(
    client: GeneralClient, parameters: WriteFile, call: declare.Call
) -> declare.Done[WrittenFile]:
    """Write a file, whole or not at all: who reads it meanwhile sees the old one or the new one.

    It goes where the config says so itself: to a path that is written out, or below the folder that a template begins
    with (`/var/reports/{{ event.subject }}.csv`). Any other path must be below a folder that `[daemon] write_below`
    names. The daemon must be allowed to write there, which under systemd takes `ReadWritePaths=`. No symbolic link is
    followed or replaced below that folder.
    """
    try:
        place = writing.find_place(parameters.path, client.write_below, own_paths.present())
    except ValueError as wrong:
        raise errors.PermanentError(f"{parameters.path!r} may not be written: {wrong}") from None
    octets = parameters.octets()
    await asyncio.to_thread(writing.write, place, octets)
    return declare.Done(WrittenFile(path=place.path, size=len(octets)))
