"""The command line as JSON: every command with its arguments and options.

Typer's own commands are handed in; only a few of their attributes are read, named here as protocols.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from daemon.model.jsons import JsonObject
from daemon.reference import documents

AS_IT_IS = "\b"  # begins a paragraph that Click does not wrap: our examples


class Parameter(Protocol):
    """An argument or option, as Click keeps it."""

    name: str | None
    param_type_name: str
    opts: Sequence[str]
    secondary_opts: Sequence[str]
    nargs: int
    required: bool
    multiple: bool
    default: Any


class Command(Protocol):
    """A command, as Click keeps it; a group has ``commands`` by name beside."""

    @property
    def help(self) -> str | None:
        """Its documentation."""

    @property
    def hidden(self) -> bool:
        """Whether it is not to be shown."""

    @property
    def params(self) -> Sequence[Any]:
        """Its arguments and options, each a :class:`Parameter`."""


def commands(program: Command, name: str = "pointsman") -> JsonObject:
    """``{"commands": [{name, about, arguments, options}]}`` of *program*, which is called by *name*.

    A group comes before its commands; hidden commands and options, and ``--help``, are left out.
    """
    return {"commands": list(_commands(program, name))}


def _commands(command: Command, name: str) -> Iterator[JsonObject]:
    if command.hidden:
        return
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    yield {
        "name": name,
        "about": _plain(command.help),
        "arguments": [_argument(one) for one in shown if one.param_type_name == "argument"],
        "options": [_option(one) for one in shown if one.param_type_name == "option"],
    }
    inner: Mapping[str, Command] = getattr(command, "commands", {})
    for word, one in inner.items():
        yield from _commands(one, f"{name} {word}")


def _argument(one: Parameter) -> JsonObject:
    written = str(getattr(one, "metavar", None) or one.name).upper()
    return {
        "name": f"{written}…" if one.nargs == -1 and not written.endswith("…") else written,
        "required": one.required,
        "about": _plain(getattr(one, "help", None)),
    }


def _option(one: Parameter) -> JsonObject:
    told = isinstance(one.default, str | int | float) and one.default is not False and one.default != ""
    return {
        "names": [*one.opts, *one.secondary_opts],
        "many": one.multiple,
        "default": str(one.default) if told and not getattr(one, "is_flag", False) else None,
        "about": _plain(getattr(one, "help", None)),
    }


def _plain(text: str | None) -> str:
    """*text* up to the form feed that ends what a screen shows; what a screen shows as it is becomes code."""
    shown = inspect.cleandoc((text or "").partition("\f")[0])
    return "\n\n".join(_paragraph(one) for one in re.split(r"\n\s*\n", shown))


def _paragraph(text: str) -> str:
    if not text.startswith(AS_IT_IS):
        return documents.plain(text)
    return f"```sh\n{textwrap.dedent(text.removeprefix(AS_IT_IS)).strip()}\n```"
