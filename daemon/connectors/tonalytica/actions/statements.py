"""Which tables a statement reads: the names behind FROM and JOIN, in any dialect near standard SQL. Pure.

``tables`` calls it. Nothing here understands SQL whole: comments, texts and quoted names are told apart, and what
follows FROM and JOIN is looked at.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKENS = re.compile(
    r"""
    (?P<nothing> --[^\n]* | /\*.*?(?:\*/|\Z) | ^[ \t]*\#[^\n]* | \s+ )
  | (?P<text> '(?:[^']|'')*(?:'|\Z) | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z) )
  | (?P<quoted> "(?:[^"]|"")*" | `[^`]*` | \[[^\]\n]*\] )
  | (?P<filled> \{\{.*?\}\} )
  | (?P<word> [\w@$]+ )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
TAKES = frozenset({"from", "join"})
OPENS = frozenset({"only", "lateral"})  # stand between FROM and what it takes
SELECTS = frozenset({"select", "with", "values", "table"})
# A name behind one of these is no alias: it goes on with the statement.
ENDS = frozenset(
    "where group order having limit union intersect except on using join inner left right full cross natural offset "
    "fetch window qualify returning set when as lateral for tablesample".split()
)
SPEAKS_FROM = frozenset({"extract", "substring", "trim", "overlay", "position"})  # EXTRACT(day FROM x)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement: a *word* in lower case for what it means, and its *name* as written."""

    word: str
    name: str
    is_name: bool


NOTHING = Token("", "", False)


def read_tables(statement: str) -> list[str]:
    """The tables that *statement* reads, each once, in their order; names without their quotes, dots kept.

    Names that the statement itself gives (``WITH name AS``), functions and subqueries are no tables.
    """
    tokens = split(statement)
    own = _own_names(tokens)
    found: list[str] = []
    speaking = _speaking_from(tokens)
    for index, token in enumerate(tokens):
        if token.word in TAKES and index not in speaking and not _is_distinct_from(tokens, index):
            found += _read_list(tokens, index + 1, commas=token.word == "from")
    return [name for name in dict.fromkeys(found) if name.lower() not in own]


def split(statement: str) -> list[Token]:
    """*statement* in pieces, without comments and blanks; a text is an empty piece."""
    tokens: list[Token] = []
    for found in _TOKENS.finditer(statement):
        piece = found.group()
        match found.lastgroup:
            case "quoted":
                tokens.append(Token("", piece[1:-1].replace('""', '"'), True))
            case "word":
                tokens.append(Token(piece.lower(), piece, True))
            case "filled":
                tokens.append(Token("", piece, True))
            case "sign":
                tokens.append(Token(piece, piece, False))
            case "text":
                tokens.append(NOTHING)
    return tokens


def _at(tokens: Sequence[Token], index: int) -> Token:
    return tokens[index] if 0 <= index < len(tokens) else NOTHING


def _own_names(tokens: Sequence[Token]) -> set[str]:
    """The names that WITH gives: ``name AS (`` or ``name (columns) AS (``."""
    if not any(token.word == "with" for token in tokens):
        return set()
    own: set[str] = set()
    for index, token in enumerate(tokens):
        if token.word != "as":
            continue
        opening = index + 1
        while _at(tokens, opening).word in ("not", "materialized"):
            opening += 1
        name = _before_brackets(tokens, index - 1)
        before = _at(tokens, name - 1).word
        if (
            _at(tokens, opening).word == "("
            and _at(tokens, name).is_name
            and before in ("with", "recursive", ",")
        ):
            own.add(_at(tokens, name).name.lower())
    return own


def _before_brackets(tokens: Sequence[Token], index: int) -> int:
    """Where the name stands whose list of columns ends at *index*; *index* itself without such a list."""
    if _at(tokens, index).word != ")":
        return index
    while index > 0 and _at(tokens, index).word != "(":
        index -= 1
    return index - 1


def _speaking_from(tokens: Sequence[Token]) -> set[int]:
    """Where FROM belongs to a function, as in ``EXTRACT(day FROM ordered_at)``."""
    found: set[int] = set()
    open_brackets: list[bool] = []
    for index, token in enumerate(tokens):
        if token.word == "(":
            open_brackets.append(_at(tokens, index - 1).word in SPEAKS_FROM)
        elif token.word == ")" and open_brackets:
            open_brackets.pop()
        elif token.word == "from" and open_brackets and open_brackets[-1]:
            found.add(index)
    return found


def _is_distinct_from(tokens: Sequence[Token], index: int) -> bool:
    """``a IS [NOT] DISTINCT FROM b`` compares."""
    before = _at(tokens, index - 1).word
    return before == "distinct" and _at(tokens, index - 2).word in ("is", "not")


def _read_list(tokens: Sequence[Token], index: int, *, commas: bool) -> list[str]:
    """The tables from *index* on: one, or with *commas* as many as are joined by them."""
    found: list[str] = []
    while True:
        while _at(tokens, index).word in OPENS or (
            _at(tokens, index).word == "(" and _at(tokens, index + 1).word not in SELECTS
        ):
            index += 1
        if _at(tokens, index).word == "(":  # a subquery, whose own FROM comes by itself
            index = _behind_brackets(tokens, index)
        elif _at(tokens, index).is_name:
            name, index = _read_name(tokens, index)
            if _at(tokens, index).word == "(":
                index = _behind_brackets(tokens, index)  # it is a function
            else:
                found.append(name)
        else:
            return found
        index = _behind_alias(tokens, index)
        if not commas or _at(tokens, index).word != ",":
            return found
        index += 1


def _behind_brackets(tokens: Sequence[Token], index: int) -> int:
    depth = 0
    while index < len(tokens):
        depth += {"(": 1, ")": -1}.get(tokens[index].word, 0)
        index += 1
        if depth == 0:
            break
    return index


def _read_name(tokens: Sequence[Token], index: int) -> tuple[str, int]:
    parts = [_at(tokens, index).name]
    index += 1
    while _at(tokens, index).word in (".", "-", ":") and _at(tokens, index + 1).is_name:
        parts += [_at(tokens, index).word, _at(tokens, index + 1).name]  # a project of BigQuery has dashes
        index += 2
    return "".join(parts), index


def _behind_alias(tokens: Sequence[Token], index: int) -> int:
    if _at(tokens, index).word == "as":
        return index + 2
    token = _at(tokens, index)
    return index + 1 if token.is_name and token.word not in ENDS else index
