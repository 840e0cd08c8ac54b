"""Records: dataclasses that nobody changes, made by the thousand a second.

Used for what is made anew for every callback, event or run; what is made once is a plain frozen dataclass.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

C = TypeVar("C")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[C]) -> type[C]:
    """A dataclass with slots that the type checker holds frozen. While the program runs nothing watches over that: to
    make a frozen one costs six times as much.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


def changed(one: C, **changes: Any) -> C:
    """A copy of the record *one* with *changes*, in a third of the time that ``dataclasses.replace`` takes for it."""
    made: C = object.__new__(type(one))
    for name in type(one).__slots__:  # type: ignore[attr-defined]  # every record has them
        setattr(made, name, getattr(one, name))
    for name, value in changes.items():
        setattr(made, name, value)
    return made
