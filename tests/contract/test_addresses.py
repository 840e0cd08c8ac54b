"""Addresses are sent as they are written, where nothing in them has to be put right."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.contract import addresses

PARTS = st.text(alphabet="aZ09.-_~/:@%?#&=; ü\\\n", max_size=12)
NEVER = re.compile(r"(?!)")


@given(st.sampled_from(["http", "https", "HTTP", "ftp"]), PARTS, st.integers(0, 70_000) | st.none(), PARTS)
def test_what_is_seen_at_once_is_what_taking_it_apart_gives(scheme, host, port, path):
    text = f"{scheme}://{host}{'' if port is None else f':{port}'}/{path}"
    with pytest.MonkeyPatch.context() as patched:
        at_once = said(text)
        patched.setattr(addresses, "_AS_SENT", NEVER)
        assert at_once == said(text)


def said(text: str) -> str | None:
    try:
        return addresses.plain_url(text)
    except ValueError:
        return None


def test_a_long_address_that_is_none_is_refused_at_once():
    with pytest.raises(ValueError, match="plain ASCII"):
        addresses.plain_url(f"http://{'a.-' * 30_000}ü/{'/' * 30_000}ü")
