"""The operator's own paths: what stands in the config of a step, as against what an event put there. Pure but for one
context variable.

A path that is written out is the operator's word. Of a template, what stands before its first expression is: the
folder that it begins with, below which the rest may lead and no further. ``running`` says around each call which
those are, ``reading`` and ``writing`` ask, ``checking`` judges by the same rule.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from daemon import expressions


@dataclass(frozen=True, slots=True)
class OwnPaths:
    """*whole* paths, and *folders* that templates begin with; none of them ends in a slash."""

    whole: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()


NONE = OwnPaths()
_present: ContextVar[OwnPaths] = ContextVar("own_paths", default=NONE)


def of(texts: Iterable[str]) -> OwnPaths:
    """What is the operator's own in *texts*, each a path or a template of one."""
    given = list(texts)
    whole = frozenset(text for text in given if not expressions.is_template(text))
    folders = (leading_folder(text) for text in given if expressions.is_template(text))
    return OwnPaths(whole, tuple(folder for folder in folders if folder is not None))


def leading_folder(template: str) -> str | None:
    """The folder that *template* begins with, from the root on: ``/out`` of ``/out/{{ event.subject }}.csv``; None
    where it begins with none, or with the root itself."""
    literal = template[: min(place for place in map(template.find, ("{{", "{%", "{#")) if place >= 0)]
    folder = literal.rpartition("/")[0].rstrip("/")
    return folder if folder.startswith("/") and ".." not in folder.split("/") else None


@contextmanager
def said(own: OwnPaths) -> Iterator[None]:
    """What is asked inside is asked by a step whose own paths are *own*."""
    token = _present.set(own)
    try:
        yield
    finally:
        _present.reset(token)


def present() -> OwnPaths:
    """The own paths of the step that asks."""
    return _present.get()
