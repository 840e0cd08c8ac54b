from pathlib import Path

import pytest

from daemon.contract import secret_forms
from daemon.contract.secret_forms import Secret, SecretMissing

HIDDEN = "hunter2-hunter2"


def test_each_form_resolves(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{HIDDEN}\n")
    environ = {"KEY": HIDDEN, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert Secret("text", HIDDEN).resolve(environ) == HIDDEN
    assert Secret("env", "KEY").resolve(environ) == HIDDEN
    assert Secret("file", str(tmp_path / "key")).resolve(environ) == HIDDEN
    assert Secret("credential", "key").resolve(environ) == HIDDEN
    assert Secret("inline", "r/s/p").resolve(environ, {"r/s/p": HIDDEN}) == HIDDEN


@pytest.mark.parametrize(
    "secret, said",
    [
        (Secret("env", "KEY"), "the environment variable KEY is not set"),
        (Secret("env", "EMPTY"), "the environment variable EMPTY is empty"),
        (Secret("file", "/no/such/file"), "the file /no/such/file cannot be read"),
        (Secret("file", "/a\x00b"), "cannot be read"),
        (Secret("credential", "key"), "$CREDENTIALS_DIRECTORY is not set"),
        (Secret("inline", "r/s/p"), "the secret of r/s/p stands in the config no more"),
    ],
)
def test_what_is_missing_is_named(secret: Secret, said: str) -> None:
    with pytest.raises(SecretMissing) as caught:
        secret.resolve({"EMPTY": ""})
    assert said in caught.value.text


def test_a_file_that_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (secret_forms.LONGEST_SECRET + 1))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("large", "bytes"):
        with pytest.raises(SecretMissing) as caught:
            Secret("file", str(tmp_path / name)).resolve({})
        assert caught.value.__cause__ is None


def test_a_secret_is_never_shown() -> None:
    secret = Secret("text", HIDDEN)
    assert HIDDEN not in f"{secret!r} {secret}"


def test_references_are_told_from_data() -> None:
    assert secret_forms.is_reference({"env": "X"})
    assert secret_forms.is_reference({"inline": "r/s/p"})
    assert secret_forms.from_json({"file": "/x"}) == Secret("file", "/x")
    for other in ("x", 1, {}, {"env": 1}, {"env": "X", "file": "y"}, {"text": "x"}, {"name": "x"}):
        assert not secret_forms.is_reference(other)
