"""What the ledger's entries mean, in words: for the demo's screen."""

from collections.abc import Callable
from typing import Any

from daemon.sandbox import server, story
from daemon.sandbox.ledger import Entry

PEOPLES = ("tracer.opened", "pop.edited")
CALLBACKS = ("tracer.told", "pop.told")


def is_theirs(effect: str) -> bool:
    """Whether people or the service itself did it, not the daemon."""
    return effect in (*PEOPLES, *CALLBACKS)


def in_words(sandbox: "server.Sandbox", entry: Entry) -> str:
    """A short phrase for an entry with an effect; ``""`` where there is none."""
    effect = story.effect_of(entry)
    words = WORDS.get(effect or "")
    if words is None:
        return ""
    return words(story.name_of(sandbox, entry) or str(entry.object_id or ""), entry.request)


def _told(name: str, request: Any) -> str:
    return f"Populr calls about {name}"


def _length(request: Any, name: str = "") -> int:
    value = request.get(name) if isinstance(request, dict) else request
    return len(value) if isinstance(value, list) else 1


def _text(request: Any, name: str) -> str:
    return str(request.get(name, "")) if isinstance(request, dict) else ""


WORDS: dict[str, Callable[[str, Any], str]] = {
    "job.submitted": lambda name, request: "the query is asked",
    "source.added": lambda name, request: f"“{_text(request, 'title')}”",
    "documents.added": lambda name, request: f"{_length(request)} documents to learn from",
    "classifier.created": lambda name, request: f"“{_text(request, 'name')}”",
    "folder.created": lambda name, request: f"Plotly folder “{_text(request, 'path')}”",
    "grid.created": lambda name, request: f"Plotly grid {name} is made",
    "pop.created": lambda name, request: f"a page for {name}",
    "pop.published": lambda name, request: f"{name} is published",
    "tracer.created": lambda name, request: f"{name} tells of openings",
    "pop.updated": lambda name, request: f"{name} may be edited",
    "tracer.opened": lambda name, request: f"somebody opens {name}",
    "tracer.told": _told,
    story.NOTE_CLASSIFIED: lambda name, request: "the note is classified",
    "grid.rows_appended": lambda name, request: f"Plotly grid {name} got a row",
    "pop.edited": lambda name, request: f"a collaborator edits {name}",
    "pop.told": _told,
}
