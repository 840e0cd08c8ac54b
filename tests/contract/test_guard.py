"""Which addresses are on the open internet."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.contract import guard

GATEWAY = int(ipaddress.IPv6Address("64:ff9b::"))  # of NAT64, RFC 6052


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "::127.0.0.1",
    ],
)
def test_a_private_address_is_known_in_every_dress(text):
    address = guard.parse_address(text)
    assert address is not None
    assert not guard.is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_behind_a_gateway_is_judged_as_it_is_without_one(address):
    assert guard.is_public(ipaddress.IPv6Address(GATEWAY + int(address))) == guard.is_public(address)
