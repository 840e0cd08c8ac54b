"""Logging: structlog, JSON under systemd, readable lines on a terminal. The wording is ``noun.past_verb``.

Set up once by ``cli``; every room takes ``structlog.get_logger()``. No secret may be bound: known secrets
and what is secret by its name are blanked as a last line of defence.
"""

import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, TextIO

import orjson
import structlog

Format = Literal["auto", "json", "console"]
Blank = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives a line's values without the secrets in them."""
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SYSLOG = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def set_up(
    level: str = "info",
    format: Format = "auto",
    blank: Blank | None = None,
    to: TextIO | None = None,
) -> None:
    """Make every later log line go to standard error (or the file *to*) in *format*, from *level* on; *blank*
    clears the secrets in a line's values.
    """
    stream = sys.stderr if to is None else to
    as_json = format == "json" or (format == "auto" and not stream.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,  # before the blanking: an exception's text is text, too
            *([_blanking(blank)] if blank is not None else []),
            _renderer(as_json, stream.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    # Libraries' own complaints go the same way; what they tell of every request does not.
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)


def _renderer(as_json: bool, colours: bool) -> Any:
    if as_json:
        return _JsonLine(bool(os.environ.get("JOURNAL_STREAM")))
    # Plain tracebacks: the pretty ones show the variables of every frame, secrets with them.
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


class _JsonLine:
    """One JSON object a line; under systemd with the priority prefix that journald takes off."""

    def __init__(self, prefix: bool) -> None:
        self._prefix = prefix

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        line = orjson.dumps(event, default=str).decode()
        return f"<{_SYSLOG.get(method, 6)}>{line}" if self._prefix else line


def _blanking(blank: Blank) -> Any:
    def processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return blank(dict(event))  # whole, so that names count, and what stands deep inside

    return processor


class _Forward(logging.Handler):
    """Hands records of libraries to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        error = record.exc_info[1] if record.exc_info else None
        log.log(
            record.levelno,
            "library.complained",
            library=record.name,
            said=record.getMessage(),
            exc_info=error,
        )
