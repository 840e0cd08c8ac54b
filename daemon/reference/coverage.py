"""Which endpoint of which service is reached how: the list of ``endpoints`` beside the catalog.

Pure. Called by the face of this room; ``pages`` draws what comes out, and the house's tests compare it with the code.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from daemon.contract.catalog import Catalog
from daemon.model.jsons import JsonObject
from daemon.reference import endpoints

WAYS = {"watch": "it looks again", "callback": "it listens", "client": "it asks again"}
"""How an endpoint is reached that no action calls, and what then is done about a lost answer."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", ">POST", "SCRIPT", "ANY")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One documented call and one way to make it.

    *way* is ``action watch callback`` or ``client``, *name* the action's, resource's or hook's name (``client`` has
    none). *test* is the file and the function of a test that takes this way, below ``tests/connectors/KIND``.
    """

    kind: str
    method: str
    path: str
    way: str
    name: str
    test: tuple[str, str]

    @property
    def action(self) -> str:
        """The whole name of its action, or "" for any other way."""
        return f"{self.kind}.{self.name}" if self.way == "action" else ""

    @property
    def test_id(self) -> str:
        """Its test as pytest names it."""
        file, function = self.test
        return f"tests/connectors/{self.kind}/{file}.py::{function}"


def listed(kind: str, text: str) -> Iterator[Endpoint]:
    """The endpoints of *kind* in *text* (see ``endpoints``), in its order; :class:`ValueError` for a crooked line."""
    test = ("", "")
    for line in filter(None, text.splitlines()):
        words = line.split()
        if not line.startswith(" "):
            file, function = words
            test = (file, function)
            continue
        made_by, method, path = words
        way, _, name = made_by.rpartition(":")
        if made_by in WAYS:
            way, name = made_by, ""
        if method not in METHODS or not all(test) or way not in ("", *WAYS):
            raise ValueError(f"{kind}: {line.strip()}: this is no endpoint below a test")
        yield Endpoint(kind, method, path, way or "action", name, test)


def every(kinds: set[str]) -> list[Endpoint]:
    """The endpoints of *kinds*, by service, path and method."""
    found = [one for kind, text in endpoints.LISTED.items() if kind in kinds for one in listed(kind, text)]
    return sorted(found, key=lambda one: (one.kind, METHODS.index(one.method) > 4, one.path, _rank(one)))


def _rank(one: Endpoint) -> tuple[int, bool, str]:
    return METHODS.index(one.method), one.way != "action", one.name


def document(catalog: Catalog) -> JsonObject:
    """``{"services": [{service, about, endpoints: [{method, path, way, name, doubt, test}]}]}``.

    *doubt* is the action's class, else what is done about a lost answer in words. A name that *catalog* lacks has "".
    """
    found = every(set(catalog.connectors))
    kinds = sorted({one.kind for one in found})
    return {
        "services": [
            {
                "service": kind,
                "about": endpoints.ABOUT[kind],
                "endpoints": [_shown(catalog, one) for one in found if one.kind == kind],
            }
            for kind in kinds
        ]
    }


def _shown(catalog: Catalog, one: Endpoint) -> JsonObject:
    return {
        "method": one.method,
        "path": one.path,
        "way": one.way,
        "name": one.action or one.name,
        "doubt": _doubt(catalog, one),
        "test": one.test_id,
    }


def _doubt(catalog: Catalog, one: Endpoint) -> str:
    known = {
        "watch": (one.kind, one.name) in catalog.watches,
        "callback": (one.kind, one.name) in catalog.webhooks,
        "client": True,
    }
    if one.way != "action":
        return WAYS[one.way] if known[one.way] else ""
    action = catalog.actions.get(one.action)
    if action is None:
        return ""
    return "it depends" if action.doubt_of is not None else action.doubt.value
