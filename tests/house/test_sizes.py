"""Functions and files stay small enough to be read at one go."""

import ast

from tests.house import sources

MOST_BODY_LINES = 40
MOST_FILE_LINES = 400


def test_no_function_is_too_long() -> None:
    long = [
        f"{name}:{function.lineno}: {function.name} has {sources.body_lines(function)} lines"
        for name, text in sources.code().items()
        for function in sources.functions(text)
        if sources.body_lines(function) > MOST_BODY_LINES
    ]
    assert not long, "\n".join(long)


def test_no_file_is_too_long() -> None:
    lengths = {name: text.count("\n") for name, text in sources.code().items()}
    long = [f"{name} has {lines} lines" for name, lines in lengths.items() if lines > MOST_FILE_LINES]
    assert not long, "\n".join(long)


def test_the_measure_counts_the_body_alone() -> None:
    text = 'def f(\n    a,\n):\n    """Said\n\n    at length."""\n    b = a\n\n    return b\n'
    (function,) = sources.functions(text)
    assert sources.body_lines(function) == 3


def test_the_checks_see_the_code() -> None:
    files = sources.code()
    assert "daemon/model/times.py" in files
    assert "tests/house/test_sizes.py" in files
    assert any(isinstance(node, ast.ClassDef) for node in ast.walk(ast.parse(files["daemon/model/times.py"])))
