"""How an earlier call is recognised by what stands at Popily: a source added, a user made. Pure.

The looks in ``sources`` and ``users`` read and ask here. Each answer is the object to adopt, or None where the call
took no effect; :class:`~daemon.contract.errors.Unclear` where what stands there fits neither.
"""

from collections.abc import Sequence

from daemon.contract import errors
from daemon.model.jsons import JsonObject

MARK = "[pointsman "  # how every mark begins


def last_id(records: Sequence[JsonObject]) -> int:
    """The highest id among *records*; 0 without any."""
    return max((_number(record) for record in records), default=0)


def _number(record: JsonObject) -> int:
    text = str(record.get("id"))
    return int(text) if text.isascii() and text.isdigit() else 0


def choose_source(
    sources: Sequence[JsonObject], mark: str, title: str | None, before: JsonObject | None
) -> JsonObject | None:
    """Which of *sources* was added by the call that sent *mark* in the description.

    A service that keeps no descriptions leaves the title, and the highest id that was noted in *before*: a new source
    of that title is ours if descriptions are not shown at all, and nobody knows whose if they are empty. Where no title
    was sent either, nobody knows whose any new one is.
    """
    marked = next((one for one in sources if mark and mark in str(one.get("description") or "")), None)
    if marked is not None:
        return marked
    if any(MARK in str(one.get("description") or "") for one in sources):
        return None  # descriptions are kept: one without our mark is not ours
    new = [one for one in sources if before is None or _number(one) > before["last_id"]]
    alike = [one for one in new if not one.get("description") and title in (None, one.get("title"))]
    if not alike:
        return None
    if len(alike) == 1 and title is not None and before is not None and "description" not in alike[0]:
        return alike[0]
    ids, which = ", ".join(str(one.get("id")) for one in alike), " of that title" if title is not None else ""
    raise errors.Unclear(f"sources{which} were added since the call, without its mark: {ids}")


def choose_user(users: Sequence[JsonObject], username: str, before: JsonObject | None) -> JsonObject | None:
    """Which of *users* was made by the call that asked for *username*.

    Popily forces usernames to be unique (Popily API text), and whether it refuses or alters one that is taken is not
    known: then a new user of a longer name may be ours. *before* holds what was noted: ``{last_id, taken}``.
    """
    same = [one for one in users if one.get("username") == username]
    if before is None:
        if same:
            raise errors.Unclear(f"there is a user {username}; whether it was there before is not known")
        return None
    new = [one for one in users if _number(one) > before["last_id"]]
    ours = next((one for one in new if one in same), None)
    if ours is not None:
        return ours
    altered = [one for one in new if str(one.get("username")).startswith(username)]
    if before["taken"] and altered:
        names = ", ".join(str(one.get("username")) for one in altered)
        raise errors.Unclear(f"{username} was taken before the call, and {names} is new since then")
    return None
