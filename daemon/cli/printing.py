"""What commands print: one JSON document, or tables and lines that a person reads calmly.

On a terminal tables are drawn by rich, with coloured states; elsewhere they are plain columns that never cut
or wrap, so that other tools can read them. What came from outside is shown without its control characters.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from daemon.model import jsons, times
from daemon.model.jsons import Json, JsonObject

COLOURS = {
    "succeeded": "green",
    "confirmed": "green",
    "ok": "green",
    "yes": "green",
    "closed": "green",
    "pending": "cyan",
    "running": "cyan",
    "waiting": "cyan",
    "due": "cyan",
    "parked": "yellow",
    "in_doubt": "yellow",
    "paused": "yellow",
    "half_open": "yellow",
    "superseded": "yellow",
    "dead": "red",
    "failed": "red",
    "failing": "red",
    "refuted": "red",
    "open": "red",
    "no": "red",
    "cancelled": "dim",
    "skipped": "dim",
}
LONGEST_CELL = 160  # characters of an error or a payload in a table; the thing itself shows all
GAP = "  "

Row = Sequence[object]


def document(value: Json) -> None:
    """Print *value* as one JSON document."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def line(value: JsonObject) -> None:
    """Print *value* as one line of JSON, at once."""
    print(jsons.dumps(value), flush=True)


def listing(name: str, listed: Sequence[JsonObject], as_json: bool, columns: Mapping[str, Any]) -> None:
    """Print ``{name: listed}`` or a table of its *columns*: a heading each, and how its cell is made."""
    if as_json:
        document({name: list(listed)})
        return
    if not listed:
        print(f"no {name}")
        return
    table(list(columns), [[cell(one) for cell in columns.values()] for one in listed])


def key(name: str) -> Callable[[JsonObject], object]:
    """A cell that shows the key *name*."""
    return lambda one: one[name]


def moment(name: str) -> Callable[[JsonObject], object]:
    """A cell that shows the instant under the key *name* in local time."""
    return lambda one: short_time(one[name])


def short_time(text: str | None) -> str:
    """An RFC 3339 *text* in local time, to the second; a dash where there is none."""
    if text is None:
        return "-"
    local = times.to_datetime(times.parse_rfc3339(text)).astimezone()
    today = datetime.now(local.tzinfo).date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def table(head: Sequence[str], rows: Sequence[Row]) -> None:
    """Print *rows* under *head*."""
    cells = [[cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        _draw(head, cells)
        return
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for row in [[word.upper() for word in head], *cells]:
        print(GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _draw(head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich import box, console, text
    from rich import table as tables

    drawn = tables.Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for word in head:
        # Ids are pasted into the next command: they stay whole however narrow the terminal is.
        drawn.add_column(word, no_wrap=word in ("id", "event"), overflow="fold")
    for row in cells:
        drawn.add_row(*(text.Text(one, style=COLOURS.get(one, "")) for one in row))
    console.Console(highlight=False).print(drawn)


def fields(pairs: Mapping[str, object]) -> None:
    """Print *pairs* one a line, their names aligned; those with nothing to say are left out."""
    shown = {name: cell(value, None) for name, value in pairs.items() if value not in (None, "", [], {})}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        print(f"{name.ljust(width)}  {coloured(value)}")


def block(title: str, value: Json) -> None:
    """Print *value* as indented JSON under *title*."""
    print(f"\n{title}")
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    print("\n".join(f"  {clean(one)}" for one in text.splitlines()))


def coloured(word: str) -> str:
    """*word* in the colour of its state, on a terminal."""
    colour = COLOURS.get(word)
    if colour is None or not sys.stdout.isatty():
        return word
    from rich import style

    return style.Style.parse(colour).render(word)


def cell(value: object, longest: int | None = LONGEST_CELL) -> str:
    """*value* on one line of at most *longest* characters; a dash for nothing."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict() | list():
            text = jsons.dumps(value)
        case _:
            text = str(value)
    shown = clean(" ".join(text.split())) or "-"
    return shown if longest is None or len(shown) <= longest else f"{shown[: longest - 1]}…"


def clean(text: str) -> str:
    """*text* without what could steer a terminal."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def count(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
