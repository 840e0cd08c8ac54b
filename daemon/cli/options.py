"""Options that several commands have, and how their texts are understood."""

import contextlib
from collections.abc import Iterable
from typing import Annotated

import typer

from daemon.contract import wording
from daemon.model import jsons, times
from daemon.model.jsons import Json, JsonObject

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LARGEST_LIMIT = 1_000_000  # of a listing

Limit = Annotated[int, typer.Option(min=1, max=LARGEST_LIMIT, help="How many at most, the newest.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help='Not before: a duration back ("2h") or an RFC 3339 time.'),
]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Not after: as with --since.")]

MOST = 100  # of a listing, where nothing else is asked


def parse_moment(text: str | None, now: int, option: str) -> int | None:
    """The instant that *text* names: a duration before *now*, or a time. Ends the command for another text."""
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return max(0, now - times.parse_duration(text))
    with contextlib.suppress(ValueError):
        return max(0, times.parse_rfc3339(text))
    wrong = f'"{text}" is neither a duration back ("2h") nor an RFC 3339 time ("2026-12-01T09:00:00Z")'
    raise typer.BadParameter(wrong, param_hint=option)


def parse_word(text: str | None, known: Iterable[str], option: str) -> str | None:
    """*text* if it is one of *known*. Ends the command for another word."""
    words = list(known)
    if text is None or text in words:
        return text
    help = wording.meant(text, words, otherwise=f"Known are: {', '.join(words)}.")
    raise typer.BadParameter(f'there is no "{text}". {help}', param_hint=option)


def parse_json(text: str, option: str) -> Json:
    """The value of *text*. Ends the command where it is no JSON that can be kept."""
    try:
        value = jsons.loads(text)
        jsons.dumps(value)  # what can be read may still be nested too deep to keep
        return value
    except jsons.UnfitJson as wrong:
        raise typer.BadParameter(f"not JSON: {wrong}", param_hint=option) from None


def parse_object(text: str, option: str) -> JsonObject:
    """The JSON object of *text*. Ends the command for anything else."""
    value = parse_json(text, option)
    if not isinstance(value, dict):
        raise typer.BadParameter(
            f"a JSON object is expected, came {wording.describe(value)}", param_hint=option
        )
    return value
