"""What is wrong with a config, said without knowing where it stands in a file.

``checking`` makes problems, ``config`` maps their paths to file, line and column, ``cli`` prints them.
"""

from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]
Severity = Literal["error", "warning"]
Spot = Literal["value", "key", "table", "text"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where in the tree, what, and what to do about it.

    *path* walks the merged config (``("reaction", 2, "do", 0, "with", "rows")``). *spot* says what the
    problem points at: the value, the key itself (an unknown one), the header of the table (a missing key; the
    path is then the table's), or a line inside a text value (a template's error). *line* counts such lines
    from 0.
    """

    path: Path
    text: str
    help: str = ""
    severity: Severity = "error"
    spot: Spot = "value"
    line: int = 0
