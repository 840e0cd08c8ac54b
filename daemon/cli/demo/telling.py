"""The demo's lines: each event of the journal and each effect in the services' ledger, in the order they happened.

``command`` asks :class:`Teller` again and again; how a line looks is decided in :func:`draw`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from rich.console import Console
from rich.text import Text

from daemon import clock
from daemon.cli.demo.stage import Stage
from daemon.journal import events
from daemon.model import jsons, times
from daemon.model.events import Event
from daemon.model.jsons import JsonObject
from daemon.sandbox import story, telling
from daemon.sandbox.ledger import Entry

SETTLED_SECONDS = 0.15
"""Real; a line is held back so long, because the journal shows an event a little after its time."""
AT_ONCE = 500
MARKS = {
    "event": ("●", "cyan"),
    "effect": ("▸", "green"),
    "others": ("◆", "magenta"),
    "trouble": ("●", "red"),
}
NAME_WIDTH, SUBJECT_WIDTH = 29, 10


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line of the story: an instant of the demo's clock, what kind of thing it is, and its words."""

    at: int
    kind: str = field(compare=False)
    name: str = field(compare=False)
    subject: str = field(compare=False)
    words: str = field(compare=False)


class Teller:
    """Prints what has happened on *stage* since it was asked last."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self._stage = stage
        self._console = console
        self._zone = clock.parse_zone(stage.zone)
        self._entry = self._entry_told = self._seq = 0
        self._held: list[Line] = []
        self.events: list[Event] = []

    async def once(self, last: bool = False) -> bool:
        """Read on, and print what is settled; with *last*, everything. Whether anything new had happened."""
        stage, before = self._stage, (self._entry_told, self._seq)
        for entry in stage.sandbox.ledger.read(since=self._entry):
            self._entry = entry.n
            if story.effect_of(entry) is not None:
                self._entry_told = entry.n
                self._held.append(of_entry(stage, entry))
        seq = self._seq
        for event in await stage.house.rooms.journal.read(lambda one: events.after(one, seq, AT_ONCE)):
            self._seq = event.seq
            self.events.append(event)
            self._held.append(of_event(event))
        self._held.sort()
        settled = stage.clock.now() - int(SETTLED_SECONDS * stage.speed * times.SECOND)
        while self._held and (last or self._held[0].at <= settled):
            self._print(draw(self._held.pop(0), self._zone))
        return before != (self._entry_told, self._seq)

    def _print(self, text: Text) -> None:
        if self._console.is_terminal:
            self._console.print(text, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(text, soft_wrap=True)


def of_entry(stage: Stage, entry: Entry) -> Line:
    """The line of an effect at a service."""
    effect = story.effect_of(entry) or ""
    kind = "others" if telling.is_theirs(effect) else "effect"
    words = telling.in_words(stage.sandbox, entry)
    return Line(entry.at, kind, f"{entry.service} {effect}", entry.object_id or "", words)


def of_event(event: Event) -> Line:
    """The line of an event in the journal."""
    words = WORDS.get(event.type, _error)
    kind = "trouble" if event.type.startswith("pointsman.") else "event"
    return Line(event.time, kind, event.type, event.subject, words(event.data))


def draw(line: Line, zone: tzinfo) -> Text:
    """*line* as text with colours, its columns aligned."""
    mark, colour = MARKS[line.kind]
    local = to_local(line.at, zone)
    return Text.assemble(
        (f"{local:%H:%M:%S} ", "dim"),
        (f"{mark} ", colour),
        (f"{line.name:<{NAME_WIDTH}} ", colour),
        (f"{shortened(line.subject):<{SUBJECT_WIDTH}} ", "dim"),
        visible(line.words),
    )


def visible(text: str) -> str:
    """*text* with a dot for everything that a terminal would obey instead of show."""
    return "".join(one if one.isprintable() else "·" for one in text)


def to_local(instant: int, zone: tzinfo) -> datetime:
    """The local time of *instant*, rounded down to a second."""
    return times.to_datetime(instant).astimezone(zone) - timedelta(microseconds=instant % times.SECOND)


def shortened(subject: str) -> str:
    """*subject* within its column; a long id is told by its end, where ids differ."""
    subject = visible(subject)
    return subject if len(subject) <= SUBJECT_WIDTH else f"…{subject[-SUBJECT_WIDTH + 3 :]}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _rows(data: JsonObject) -> str:
    rows = data.get("rows")
    return _number(len(rows), "row") if isinstance(rows, list) else ""


def _change(data: JsonObject) -> str:
    return " → ".join(str(one) for one in (data.get("previous"), data.get("status")) if one)


def _opening(data: JsonObject) -> str:
    views = jsons.as_object(data.get("delta")).get("views") or 0
    return f"{jsons.as_object(data.get('tracer')).get('name')}: {_number(int(views), 'new view')}"


def _error(data: JsonObject) -> str:
    return str(data.get("error") or "")


def _words(text: str) -> Callable[[JsonObject], str]:
    return lambda data: text


WORDS: dict[str, Callable[[JsonObject], str]] = {
    "schedule.fired": _words("the nightly hour has come"),
    "tonalytica.job.pending": _words("the query waits its turn"),
    "tonalytica.job.started": _words("the query runs"),
    "tonalytica.job.succeeded": lambda data: f"{_rows(data)} came back",
    "popily.source.added": _words("a new source is seen"),
    "popily.source.status_changed": _change,
    "popily.source.finished": _words("the source is finished"),
    "compass.classifier.added": _words("a new classifier is seen"),
    "compass.classifier.status_changed": _change,
    "compass.classifier.training": _words("the classifier learns"),
    "compass.classifier.ready": _words("the classifier is ready"),
    "signups.ready": lambda data: f"a page for each of {_rows(data)}",
    "populr.callback.received": _words("a hint, to be read back"),
    "populr.tracer.opened": _opening,
    "populr.collaboration.finished": _words("a collaborator has finished"),
}
