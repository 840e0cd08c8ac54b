"""What several families of actions share: where, which, how many; how a query is written; how a thing is deleted.

Called by the families beside this file.
"""

from collections.abc import Awaitable
from typing import Any, Self, TypeVar
from urllib.parse import quote

from pydantic import Field, model_validator

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events
from daemon.contract import declare, errors, secrets
from daemon.model import jsons
from daemon.model.jsons import JsonObject

T = TypeVar("T")
Time = str | int | float  # ISO 8601, or seconds since 1970 (Compass API text)
AT_MOST = 1000  # objects of a listing, unless asked otherwise: each page holds 20


class InProject(declare.Parameters):
    """Which project."""

    project_id: str = Field(description="The project's id.", min_length=1)


class Limited(declare.Parameters):
    """How much of a listing."""

    limit: int = Field(
        AT_MOST, ge=1, description="List at most so many; the result's `count` says how many there are."
    )


class Changes(declare.Parameters):
    """What to change of a thing that its ids name; what is not given stays as it is."""

    @model_validator(mode="after")
    def changes_something(self) -> Self:
        """At least one field besides the ids."""
        if not changed(self):
            raise ValueError("nothing to change: give one of the fields besides the ids")
        return self


class Buckets(declare.Parameters):
    """Over which time messages are counted."""

    interval: int | float | None = Field(None, gt=0, description="Seconds in each bucket; 300 by default.")
    num_buckets: int | None = Field(None, ge=1, description="How many buckets; 120 by default.")
    at_time: Time | None = Field(
        None, description="The end of the last bucket: ISO 8601, or seconds since 1970; now by default."
    )


class MessageFilters(declare.Parameters):
    """Which messages."""

    earliest: Time | None = Field(
        None, description="Only with this timestamp or a later one: ISO 8601, or seconds since 1970."
    )
    latest: Time | None = Field(None, description="Only with this timestamp or an earlier one.")
    older_than_id: int | None = Field(None, description="Only with a lower id: added before that message.")
    newer_than_id: int | None = Field(None, description="Only with a higher id: added after that message.")


MESSAGE_FILTERS = tuple(MessageFilters.model_fields)
BUCKETS = tuple(Buckets.model_fields)


class Deleted(declare.Result):
    """A thing that is not there any more."""

    deleted: bool = Field(True, description="True.")
    existed: bool = Field(description="Whether it was still there when it was deleted.")


def changed(parameters: declare.Parameters) -> JsonObject:
    """The fields that were given, null ones too, without those that say where."""
    written = parameters.model_dump(exclude_unset=True)
    return {name: value for name, value in written.items() if not name.endswith("_id") and name != "email"}


def given(parameters: declare.Parameters, *names: str) -> JsonObject:
    """Those of *names* that have a value."""
    return parameters.model_dump(include=set(names), exclude_none=True)


def query(parameters: declare.Parameters, *names: str) -> JsonObject:
    """The same for a query, where truth is written ``True`` and ``False`` (Compass API text)."""
    found = given(parameters, *names)
    return {name: str(value) if isinstance(value, bool) else value for name, value in found.items()}


def named(answer: Any) -> JsonObject:
    """An object of an answer with its ``id``, which the service hides in the last part of ``url``."""
    found = jsons.as_object(answer)
    return {"id": events.id_of(str(found["url"])), **found} if found.get("url") else found


def noted(before: JsonObject | None) -> JsonObject:
    """What was noted before a call. :class:`~daemon.contract.errors.Unclear` without it: what is found may be old."""
    if before is None:
        raise errors.Unclear("what was there before the call is not known")
    return before


async def hide(answer: Awaitable[T], *hidden: str) -> T:
    """What *answer* gives. The *hidden* secrets stand in the request, and an error might quote it: not with them."""
    try:
        return await answer
    except errors.ServiceError as failed:
        for secret in (form for one in hidden for form in (one, quote(one, safe=""))):
            failed.text = failed.text.replace(secret, secrets.BLANK)
        failed.args = (failed.text,)
        raise


async def delete(
    client: vendor.CompassClient, path: str, call: declare.Call, *gone: tuple[str, str]
) -> declare.Done[Deleted]:
    """Delete what is at *path*. A thing that is not there is no error, once the credentials proved good.

    *gone* names it as its watch does: that it was removed is then known to come of this run, unless it was gone before
    the first try.
    """
    existed = await client.delete(path)
    ours = existed or call.first_sent_at is not None
    return declare.Done(Deleted(deleted=True, existed=existed), made=gone if ours else ())
