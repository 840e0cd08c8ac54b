"""Edits of queries and dashboards: what is sent, and whether it has been applied. Pure.

``queries`` and ``dashboards`` call it.
"""

from daemon.contract import declare, errors
from daemon.model.jsons import JsonObject

ABOUT = "it is read, and what it holds is compared with what was sent"


def changes(parameters: declare.Parameters, *names: str) -> JsonObject:
    """The fields that an edit sends: those that were given, without the path's *names*."""
    return parameters.model_dump(exclude=set(names), exclude_unset=True)


def is_applied(sent: JsonObject, found: JsonObject, noun: str) -> bool:
    """Whether the edit *sent* stands in what was *found*.

    Where the edit names a version and the thing has another one now without holding what was sent, somebody else
    edited it: :class:`~daemon.contract.errors.Unclear`.
    """
    fields = {name: value for name, value in sent.items() if name != "version"}
    if all(name in found and found[name] == value for name, value in fields.items()):
        return True
    version = sent.get("version")
    if version is not None and found.get("version") != version:
        raise errors.Unclear(
            f"{noun} {found.get('id')} has version {found.get('version')} now, not {version}, and does not hold "
            f"what was sent ({', '.join(sorted(fields))})"
        )
    return False
