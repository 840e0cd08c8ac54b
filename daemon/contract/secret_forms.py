"""The forms in which an operator writes a secret, and how each becomes text.

``config`` reads them, ``running`` resolves the references inside a step's parameters at each call, ``intake``
the secrets of its webhooks. Nothing here keeps what it resolved: a rotated file or variable counts at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from daemon.model.jsons import Json, JsonObject

Form = Literal["text", "env", "file", "credential", "inline"]
REFERENCES: tuple[Form, ...] = ("env", "file", "credential")
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"  # systemd's variable
WRITTEN = "written secret"
"""The one key of the object that stands, in a reaction's definition, for a text of the config that holds a secret where
no parameter is declared secret: a key in a query, a password in an address. It has a space, as no vendor's has."""
LONGEST_SECRET = 64 * 1024  # bytes


class SecretMissing(Exception):
    """A secret cannot be had. *text* names where it was looked for, never what was found."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret as written: its *form*, and the name, path or text that goes with it.

    *place* of the form ``text`` is the secret itself, so neither ``repr`` nor any error shows it. ``inline``
    names a text that stands in the config (``REACTION/STEP/PARAMETER``), so that no definition holds it.
    """

    form: Form
    place: str

    def __repr__(self) -> str:
        return f"Secret({self.form})"

    def resolve(
        self, environ: Mapping[str, str] | None = None, inline: Mapping[str, str] | None = None
    ) -> str:
        """The secret itself. :class:`SecretMissing` says what is missing, where."""
        found = self._look(os.environ if environ is None else environ, inline or {})
        if not found:
            raise SecretMissing(f"{self._where()} is empty")
        return found

    def _look(self, environ: Mapping[str, str], inline: Mapping[str, str]) -> str:
        match self.form:
            case "text":
                return self.place
            case "env":
                return _member(environ, self.place, f"{self._where()} is not set")
            case "inline":
                return _member(inline, self.place, f"{self._where()} stands in the config no more")
            case "file":
                return _read(Path(self.place), self._where())
            case "credential":
                folder = _member(environ, CREDENTIALS_DIRECTORY, f"${CREDENTIALS_DIRECTORY} is not set")
                return _read(Path(folder) / self.place, self._where())

    def _where(self) -> str:
        names = {"text": "the secret", "env": "the environment variable ", "inline": "the secret of "}
        start = names.get(self.form, f"the {self.form} ")
        return start if self.form == "text" else f"{start}{self.place}"


def _member(values: Mapping[str, str], name: str, otherwise: str) -> str:
    if name not in values:
        raise SecretMissing(otherwise)
    return values[name]


def _read(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST_SECRET + 1)
        if len(raw) > LONGEST_SECRET:
            raise SecretMissing(f"{where} is longer than {LONGEST_SECRET} bytes")
        # Editors and `echo` end a file with a newline, which is no part of the secret.
        return raw.decode().rstrip("\r\n")
    except OSError as broken:
        raise SecretMissing(f"{where} cannot be read ({broken.strerror})") from None
    except UnicodeDecodeError:
        raise SecretMissing(f"{where} is not UTF-8 text") from None
    except ValueError:  # a NUL in the path
        raise SecretMissing(f"{where} cannot be read (no such path)") from None


def is_reference(value: Json) -> bool:
    """Whether *value* is a secret's reference: an object with exactly one key, a form, and a text."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((form, place),) = value.items()
    return form in get_args(Form) and form != "text" and isinstance(place, str)


def from_json(value: JsonObject) -> Secret:
    """The :class:`Secret` that a reference (see :func:`is_reference`) names."""
    ((form, place),) = value.items()
    return Secret(cast(Form, form), place)
