"""What a service can do: actions, their parameters and results, and a connector's list of them.

:func:`action` turns one plain function into one value; nothing is registered anywhere. :func:`listed` is a connector's
feature list: every action by name, and the file of its family, which is imported when one of its actions is first
asked for. A daemon knows a hundred and fifty and uses a few. Connectors import these names from ``declare``.
"""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict

from daemon.contract.calls import Call, Done, Probe
from daemon.model.jsons import Json
from daemon.model.runs import Doubt

K = TypeVar("K")
V = TypeVar("V")


class Parameters(BaseModel):
    """Base of an action's parameters: unknown names are errors; every field has a description.

    An error about a value never quotes it: it may be secret. A number where a text is wanted becomes one: a
    lone template keeps the type of what it gives, and ids are often numbers.
    """

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
    )


class Result(BaseModel):
    """Base of what an action answers: vendor fields that nobody documented pass through."""

    model_config = ConfigDict(defer_build=True, extra="allow", populate_by_name=True)


ActionFunction = Callable[[Any, Any, Call], Awaitable[Done[Any]]]


@dataclass(frozen=True, slots=True)
class Action:
    """One ability of a service. *doubt_of* overrides *doubt* by the parameters (``request`` goes by
    method). *probe* is there for every action that can be probed. *writes_to* names the
    parameters that are paths on this machine to be written. *example* is what stands in ``with`` for one call,
    credentials as references; empty where the action takes no parameters.
    """

    name: str
    doubt: Doubt
    why: str
    about: str
    parameters: type[Parameters]
    result: type[BaseModel]
    call: ActionFunction
    follows: str | None = None
    doubt_of: Callable[[Any], Doubt] | None = None
    probe: Probe | None = None
    writes_to: tuple[str, ...] = ()
    example: Mapping[str, Json] = field(default_factory=dict, hash=False)

    def doubt_for(self, parameters: BaseModel, *, marked: bool = True) -> Doubt:
        """The doubt class of one call with *parameters*; *marked* is false where the reaction turns markers off."""
        doubt = self.doubt_of(parameters) if self.doubt_of else self.doubt
        unmarked = doubt is Doubt.PROBED and not marked
        return Doubt.UNSAFE if unmarked and self.probe and self.probe.relies_on_marker(parameters) else doubt


def action(
    name: str,
    *,
    doubt: Doubt,
    why: str,
    follows: str | None = None,
    doubt_of: Callable[[Any], Doubt] | None = None,
    probe: Probe | None = None,
    writes_to: tuple[str, ...] = (),
    example: Mapping[str, Json] | None = None,
) -> Callable[[ActionFunction], Action]:
    """Make an :class:`Action` of ``async def f(client, parameters: P, call: Call) -> Done[R]``.

    *name* is the contract's (``plotly.create_grid``); the docstring becomes its description; ``P`` and ``R`` are
    read from the annotations. *why* is the reason for its doubt class, shown in the reference. *probe* is how a
    probed one looks for what it may have made. *example* is one call's ``with``, shown in the reference, too.
    """

    def declared(function: ActionFunction) -> Action:
        hints = get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)[1]
        return Action(
            name=name,
            doubt=doubt,
            why=why,
            about=inspect.getdoc(function) or "",
            parameters=hints[parameters],
            result=_result_of(hints["return"]),
            call=function,
            follows=follows,
            doubt_of=doubt_of,
            probe=probe,
            writes_to=writes_to,
            example=example or {},
        )

    return declared


def _result_of(hint: Any) -> type[BaseModel]:
    assert get_origin(hint) is Done, "an action returns Done[ResultModel]"  # noqa: S101 - a programming error
    result: type[BaseModel] = get_args(hint)[0]
    return result


class Actions(MutableMapping[str, Action]):
    """Actions by name; each pair has the action, or the module that declares it. :class:`ValueError` for a name that
    comes twice.
    """

    def __init__(self, pairs: Iterable[tuple[str, Action | str]]) -> None:
        self._found = dict(once(pairs))

    def pairs(self) -> Iterable[tuple[str, Action | str]]:
        """Every name, with what is known of it so far; nothing is imported."""
        return self._found.items()

    def __getitem__(self, name: str) -> Action:
        found = self._found[name]
        if isinstance(found, str):
            found = self._found[name] = _declared(found, name)
        return found

    def __setitem__(self, name: str, action: Action) -> None:
        self._found[name] = action

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def listed(connector: str, families: Mapping[str, tuple[str, ...]], *ready: Action) -> Actions:
    """The actions of the package *connector*: names by family, a file of its ``actions``, and those at hand."""
    return Actions(
        (
            *(
                (name, f"{connector}.actions.{family}")
                for family, names in families.items()
                for name in names
            ),
            *((one.name, one) for one in ready),
        )
    )


def _declared(module: str, name: str) -> Action:
    """The action *name* of *module*."""
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, Action) and value.name == name:
            return value
    raise ImportError(f"{module} declares no action {name}")


def once(pairs: Iterable[tuple[K, V]]) -> Iterator[tuple[K, V]]:
    """*pairs* as they come; :class:`ValueError` at a key that came before."""
    seen: set[K] = set()
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"{key!r} is declared twice")
        seen.add(key)
        yield key, value
