"""Records: dataclasses that nobody changes, made by the thousand a second.

Used for what is made anew for every callback, event or run; what is made once is a plain frozen dataclass.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

C = TypeVar("C")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[C]) -> type[C]:
    """A dataclass with slots that the type checker holds frozen. While the program runs nothing watches over that: to
    make a frozen one costs six times as much.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
