"""The secrets that the examples take from the environment."""

import pytest

from tests.examples import stage


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up secret for every variable that any example names."""
    for name, text in stage.secrets("".join(stage.texts().values())).items():
        monkeypatch.setenv(name, text)
