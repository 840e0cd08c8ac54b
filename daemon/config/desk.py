"""What every part of the building needs at hand: source, catalog, surroundings, the problems found.

``build`` and ``rules`` work at it; ``read`` takes the problems off it.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path as FilePath
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from daemon.config.load import Source
from daemon.contract import secret_forms, wording
from daemon.contract.catalog import Catalog
from daemon.contract.secret_forms import CREDENTIALS_DIRECTORY, Secret, SecretMissing
from daemon.contract.secrets import Blanker
from daemon.model import jsons, times
from daemon.model.jsons import Json
from daemon.model.problems import Path, Problem, Severity, Spot

M = TypeVar("M", bound=BaseModel)

NOT_AT_HAND = "not-at-hand"  # stands for a secret that cannot be had here, so that the rest can be checked
UNBUILT: dict[str, tuple[str, ...]] = {
    "": ("test",),
    "retention": ("max_size",),
    "reaction": ("once_per", "mode", "group", "debounce", "throttle", "batch", "expect"),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the config may refer to outside its files. *running*: ``run`` asks, credentials must be there."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    running: bool = False


@dataclass(slots=True)
class Desk:
    """One building of a config."""

    source: Source
    catalog: Catalog
    surroundings: Surroundings
    problems: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    inline: dict[str, str] = field(default_factory=dict)
    written_inline: list[Path] = field(default_factory=list)
    _blanker: Blanker | None = None

    @property
    def blanker(self) -> Blanker:
        """Tells which texts hold a secret by what stands before it: its name, an address."""
        if self._blanker is None:
            self._blanker = Blanker(self.catalog.secret_names())
        return self._blanker

    def note(
        self, path: Path, text: str, help: str = "", *, spot: Spot = "value", severity: Severity = "error"
    ) -> None:
        """One more problem."""
        self.problems.append(Problem(path, text, help, severity, spot))

    def validate(
        self,
        model: type[M],
        given: Mapping[str, Any],
        path: Path,
        known: Iterable[str] | None = None,
        hidden: Iterable[str] = (),
    ) -> M | None:
        """*given* as *model*, or None with its problems noted. *known* keys are for the did-you-mean."""
        try:
            return model.model_validate(given)
        except ValidationError as wrong:
            keys = known_keys(model) if known is None else (lambda _path: known)
            found = wording.problems(wrong, given, path, keys, hidden)
            self.problems.extend(found)
            self._look_for_secrets(model, given, path, {one.path for one in found})
            return None

    def _look_for_secrets(
        self, model: type[BaseModel], given: Mapping[str, Any], path: Path, blamed: set[Path]
    ) -> None:
        """Nobody takes the secrets of a table with mistakes; those that are missing are told all the same."""
        for key, value in given.items():
            takes_secret = key in model.model_fields and _is_secret(model.model_fields[key].annotation)
            place = (*path, key)
            if takes_secret and secret_forms.is_reference(value) and place not in blamed:
                self.reveal(self.anchored(secret_forms.from_json(value), place), place)

    def refuse_unbuilt(self, table: str, given: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """*given* without the keys that are promised and not built yet; each is an error."""
        unbuilt = UNBUILT.get(table, ())
        for key in given:
            if key in unbuilt:
                self.note((*path, key), f"{key} is not built yet", "Take it out.", spot="key")
        return {key: value for key, value in given.items() if key not in unbuilt}

    def anchored(self, secret: Secret, path: Path) -> Secret:
        """*secret* with a relative file made relative to the config file that names it."""
        if secret.form != "file":
            return secret
        folder = FilePath(self.source.file_of(path).name).absolute().parent
        return Secret("file", str(folder / secret.place))

    def reveal(self, secret: Secret, path: Path) -> str | None:
        """The secret's text, or None with the problem noted."""
        if secret.form == "text":
            self.written_inline.append(path)
        try:
            found = secret.resolve(self.surroundings.environ)
        except SecretMissing as missing:
            self._note_missing(secret, path, missing.text)
            return None
        self.secrets.add(found)
        return found

    def _note_missing(self, secret: Secret, path: Path, text: str) -> None:
        if secret.form == "credential" and CREDENTIALS_DIRECTORY not in self.surroundings.environ:
            severity: Severity = "error" if self.surroundings.running else "warning"
            help = "systemd sets it for a unit with LoadCredential=; nothing else does."
            self.note(path, f"the credential {secret.place} cannot be had: {text}", help, severity=severity)
            return
        helps = {"env": "Set it, or name another.", "file": "Give a readable file."}
        self.note(path, text, helps.get(secret.form, "Check the unit's LoadCredential=."))

    def plain(self, value: Any, path: Path) -> Json:
        """*value* of TOML as JSON: dates and times as text. What JSON cannot keep is noted."""
        match value:
            case dict():
                return {key: self.plain(item, (*path, key)) for key, item in value.items()}
            case list():
                return [self.plain(item, (*path, number)) for number, item in enumerate(value)]
            case datetime() if value.tzinfo is not None and 1 < value.year < 9999:
                return times.rfc3339(times.from_datetime(value))
            case datetime() | date() | time():
                return value.isoformat()
            case float() if not math.isfinite(value):
                self.note(path, f"{value} is no number that can be kept", "Write a finite number.")
            case int() if not -jsons.LARGEST_INTEGER - 1 <= value <= jsons.LARGEST_INTEGER:
                self.note(path, "a whole number is beyond 64 bits", "Write it as text.")
        return value


def known_keys(model: type[BaseModel]) -> Callable[[Path], Iterable[str]]:
    """The keys of the table at a path inside *model*, as the config spells them."""

    def keys(path: Path) -> Iterable[str]:
        here: type[BaseModel] | None = model
        for step in path:
            if isinstance(step, int) or here is None:
                continue
            here = _table_of(here, step)
        return spelled(here) if here is not None else ()

    return keys


def spelled(model: type[BaseModel]) -> list[str]:
    """The names of *model*'s fields as they are written in the config."""
    return [item.alias or name for name, item in model.model_fields.items()]


def _table_of(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    for name, item in model.model_fields.items():
        if key in (name, item.alias):
            inner = [item.annotation, *getattr(item.annotation, "__args__", ())]
            return next((one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return None


def _is_secret(annotation: Any) -> bool:
    return annotation is Secret or any(_is_secret(part) for part in get_args(annotation))
