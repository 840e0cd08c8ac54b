"""Templates and conditions: what a parameter's value is, whether a condition holds. Pure.

The only room that knows Jinja2, beside the pages of ``web``. The config's check compiles everything and asks
:func:`names` what is read; the router evaluates ``when`` and ``for_each``; the steps render parameters and
hand them through :func:`to_plain` before they are written down.

* ``errors``: the one error, readable and without values.
* ``plain``: what a template gave, as JSON data and as text.
* ``work``: how much one rendering may do.
* ``formats``: Python's ``%``, looked through first.
* ``filters``: Jinja's filters, made plain and bounded, and ours.
* ``fence``: the sandbox: a dot is a key and nothing else; work is bounded.
* ``parsing``: text to syntax tree, refusing what is out of reach.
* ``compiling``: compiled templates and conditions, kept by their text.
* ``references``: which names an expression reads.
"""

from daemon.expressions.compiling import (
    Compiled,
    Condition,
    compile_condition,
    compile_text,
    compile_value,
    find_errors,
)
from daemon.expressions.errors import ExpressionError
from daemon.expressions.parsing import is_template
from daemon.expressions.plain import kind, to_plain
from daemon.expressions.references import Reference, names

__all__ = [
    "Compiled",
    "Condition",
    "ExpressionError",
    "Reference",
    "compile_condition",
    "compile_text",
    "compile_value",
    "find_errors",
    "is_template",
    "kind",
    "names",
    "to_plain",
]
