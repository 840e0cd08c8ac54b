"""Which dashboard is meant, on every version of the service: by number or by slug.

Redash 8 and 9 read and archive a dashboard by its slug, 10 and newer by its number; edits go by number everywhere
(observed). ``dashboards`` and ``cloning`` call this.
"""

from dataclasses import dataclass

from daemon.connectors.tonalytica import client as vendor
from daemon.contract import errors, http
from daemon.model.jsons import JsonObject


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard as the server tells it, and what that server reads and archives it *by*."""

    fields: JsonObject
    by: str

    @property
    def page(self) -> str:
        """The path at which people see it (Redash source): by number where the server knows numbers."""
        slug = self.fields.get("slug") or ""
        return f"/dashboards/{self.by}-{slug}" if is_number(self.by) else f"/dashboard/{slug}"


async def get(client: vendor.TonalyticaClient, name: str) -> JsonObject:
    """The dashboard whose number or slug is *name*; :class:`PermanentError` with ``missing`` if there is none."""
    return await _get_by_slug(client, name) if not is_number(name) else (await find(client, int(name))).fields


async def _get_by_slug(client: vendor.TonalyticaClient, slug: str) -> JsonObject:
    """``legacy`` lets newer servers take a slug; older ones do not look at it (observed)."""
    return await client.call("GET", _path(slug), query={"legacy": "true"})


async def find(client: vendor.TonalyticaClient, number: int, slug: str = "") -> Board:
    """The dashboard *number*. An old server does not know numbers: there it is read by its *slug*, which is looked up
    in the list if it is not given; archived ones are not listed."""
    try:
        found = await client.call("GET", _path(number))
        if (
            found.get("id") == number
        ):  # an old server takes the number for a slug, and some dashboard may have it
            return Board(found, str(number))
    except errors.PermanentError as refused:
        if not refused.missing:
            raise
    slug = slug or await _find_slug(client, number)
    if not slug:
        raise errors.PermanentError(f"there is no dashboard {number}", status=404, missing=True)
    return Board(await _get_by_slug(client, slug), slug)


async def _find_slug(client: vendor.TonalyticaClient, number: int) -> str:
    listed = (await client.list_pages("/dashboards", {}, vendor.EVERY)).results
    return next((str(one.get("slug") or "") for one in listed if one.get("id") == number), "")


async def edit(client: vendor.TonalyticaClient, name: str, fields: JsonObject) -> JsonObject:
    """The dashboard *name* with *fields* changed.

    One that is not there is a 500, which may be anything else too (observed): it is looked for then.
    """
    number = int(name) if is_number(name) else _number(await _get_by_slug(client, name))
    try:
        return await client.call("POST", _path(number), json=fields)
    except errors.TemporaryError as failed:
        if failed.status == 500:
            await find(client, number)
        raise


async def archive(client: vendor.TonalyticaClient, name: str) -> JsonObject:
    """The dashboard *name*, archived; also where it was archived before."""
    number = int(name) if is_number(name) else _number(await _get_by_slug(client, name))
    try:
        board = await find(client, number)
    except errors.PermanentError as refused:
        if not refused.missing:
            raise
        return await _archive_unlisted(client, number, refused)
    return await client.call("DELETE", _path(board.by))


async def _archive_unlisted(
    client: vendor.TonalyticaClient, number: int, refused: errors.PermanentError
) -> JsonObject:
    """On an old server an archived dashboard is in no list, but can be edited; elsewhere it is *refused*."""
    try:
        return await client.call("POST", _path(number), json={"is_archived": True})
    except errors.TemporaryError as failed:
        if failed.status == 500:
            raise refused from None
        raise


async def list_named(client: vendor.TonalyticaClient, name: str) -> list[JsonObject]:
    """The dashboards called exactly *name*, archived ones aside.

    The service searches names as a database's ``ILIKE`` does, which reads a backslash in its own way (Redash
    source).
    """
    narrowed: JsonObject = {} if "\\" in name else {"q": name}
    found = await client.list_pages("/dashboards", narrowed, vendor.EVERY)
    return [one for one in found.results if one.get("name") == name]


async def note(client: vendor.TonalyticaClient, name: str) -> JsonObject:
    """Our user's number (``user_id``), and those of the dashboards called *name* (``dashboards``)."""
    named = await list_named(client, name)
    return {"user_id": await client.get_user_id(), "dashboards": [one.get("id") for one in named]}


async def find_new(client: vendor.TonalyticaClient, name: str, before: JsonObject) -> int | None:
    """The number of the dashboard called *name* that our user has made since :func:`note`, or None.

    Names may repeat: several are :class:`~daemon.contract.errors.Unclear`; another user's is not ours.
    """
    known, us = before.get("dashboards", []), before.get("user_id")
    new = [one for one in await list_named(client, name) if one.get("id") not in known]
    # Where either side is not told, it may be ours.
    ours = [one for one in new if None in (us, one.get("user_id")) or one.get("user_id") == us]
    if len(ours) > 1:
        numbers = ", ".join(str(one.get("id")) for one in ours)
        raise errors.Unclear(f"several dashboards called {name!r} were made since: {numbers}")
    return _number(ours[0]) if ours else None


def is_number(name: str) -> bool:
    """Whether *name* is a dashboard's number; anything else is a slug."""
    return name.isascii() and name.isdigit()


def _number(board: JsonObject) -> int:
    return int(board["id"])


def _path(name: str | int) -> str:
    return f"/dashboards/{http.segment(name)}"
