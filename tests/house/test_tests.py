"""Every test asserts something that can be seen in it, and none is left out."""

import ast
import re

from tests.house import sources

LEFT_OUT = re.compile(
    r"pytest\.(sk" + r"ip|xf" + r"ail|import" + r"orskip)\b|mark\.(sk" + r"ip|skip" + r"if|xf" + r"ail)\b"
)
ASSERTING_CALLS = re.compile(r"^(raises|warns|assert_\w+)$")


def asserts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body of *function* shows an assertion: ``assert``, ``pytest.raises``, ``assert_…()``."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if ASSERTING_CALLS.match(called):
                return True
    return False


def test_every_test_asserts() -> None:
    silent = [
        f"{name}:{function.lineno}: {function.name}"
        for name, text in sources.code("tests").items()
        for function in sources.functions(text)
        if function.name.startswith("test_") and not asserts(function)
    ]
    assert not silent, "\n".join(silent)


def test_no_test_is_left_out() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in sources.code("tests").items()
        for match in LEFT_OUT.finditer(text)
    ]
    assert not found, "\n".join(found)
