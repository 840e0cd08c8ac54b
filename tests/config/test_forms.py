import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from daemon.config import forms
from daemon.contract.configured import Rate
from daemon.contract.secret_forms import Secret
from daemon.model import times

TEXTS = st.text(alphabet=string.printable, max_size=12) | st.text(max_size=12)
ANYTHING: st.SearchStrategy[Any] = (
    TEXTS
    | st.integers()
    | st.booleans()
    | st.none()
    | st.lists(TEXTS, max_size=2)
    | st.dictionaries(TEXTS, TEXTS)
)
READERS = [
    forms.read_duration,
    forms.read_interval,
    forms.read_beat,
    forms.read_rate,
    forms.read_size,
    forms.read_secret,
    forms.read_address,
    forms.read_optional_address,
    forms.read_public_url,
    forms.read_name,
    forms.read_header,
    forms.read_title,
    forms.read_step_id,
    forms.read_filled,
]


@given(ANYTHING, st.sampled_from(READERS))
def test_what_cannot_be_read_is_told_in_our_words(value: Any, reader: Any) -> None:
    refused: PydanticCustomError | None = None
    try:
        reader(value)
    except PydanticCustomError as wrong:
        refused = wrong
    assert refused is None or (refused.type == "house" and "\n" not in refused.message())


@given(st.integers(1, 10_000), st.sampled_from(sorted(times.UNITS)))
def test_durations_are_read_exactly(number: int, unit: str) -> None:
    assert forms.read_duration(f"{number}{unit}") == number * times.UNITS[unit]


@given(st.integers(1, 999_999), st.sampled_from(sorted(forms.SIZES)))
def test_sizes_are_read_exactly(number: int, unit: str) -> None:
    assert forms.read_size(f"{number}{unit}") == number * forms.SIZES[unit]


@pytest.mark.parametrize(
    "text, count, period", [("5/s", 5, times.SECOND), ("100/m", 100, times.MINUTE), ("10/h", 10, times.HOUR)]
)
def test_rates(text: str, count: int, period: int) -> None:
    assert forms.read_rate(text) == Rate(count, period)


@pytest.mark.parametrize(
    "text, host, port",
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:0", "::1", 0),
        ("localhost:65535", "localhost", 65535),
        ("0.0.0.0:1", "0.0.0.0", 1),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert forms.read_address(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        ":8080",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:80",
        "[127.0.0.1]:80",
        "a b:80",
        "x:²",
        "",
    ],
)
def test_bad_addresses(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        forms.read_address(text)


def test_no_admin_side() -> None:
    assert forms.read_optional_address("") is None


@pytest.mark.parametrize(
    "value, secret",
    [
        ("plain", Secret("text", "plain")),
        ({"env": "X"}, Secret("env", "X")),
        ({"file": "/x"}, Secret("file", "/x")),
        ({"credential": "x"}, Secret("credential", "x")),
    ],
)
def test_secrets(value: Any, secret: Secret) -> None:
    assert forms.read_secret(value) == secret


@pytest.mark.parametrize(
    "value",
    [
        "",
        3,
        [],
        {},
        {"env": ""},
        {"env": 3},
        {"env": "X", "file": "y"},
        {"inline": "x"},
        {"credential": "../x"},
    ],
)
def test_bad_secrets_are_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        forms.read_secret(value)
    assert "hunter2" not in caught.value.message()


@pytest.mark.parametrize(
    "url", ["https://a.example.com/", "http://127.0.0.1:8080", "https://x.example/base/"]
)
def test_public_urls(url: str) -> None:
    assert forms.read_public_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["a.example.com", "ftp://x", "https://u:p@x", "https://x?y=1", "https://x#y", "https://[x", "https:// x"],
)
def test_bad_public_urls(url: str) -> None:
    with pytest.raises(PydanticCustomError):
        forms.read_public_url(url)


def test_a_duration_beyond_a_century_is_refused() -> None:
    with pytest.raises(PydanticCustomError, match="100 years"):
        forms.read_duration("999999999999d")
