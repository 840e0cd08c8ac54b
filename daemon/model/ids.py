"""Identifiers: UUIDv7 for events and runs, so that ids sort by the time they were made."""

import functools
import hashlib
import os

RANDOM_BITS = 62 - 20  # twenty bits count the ids of one microsecond

_counted = (
    0,
    0,
    0,
)  # the instant of the last id, how many it had before, and the random bits of that instant


def uuid7(instant: int, randomness: bytes | None = None) -> str:
    """A UUIDv7 (RFC 9562) for *instant* (microseconds); *randomness* is 10 bytes, fresh by default.

    Ids that one process makes for one instant, with fresh randomness, sort in the order they were made.
    """
    noise = int.from_bytes(randomness, "big") if randomness is not None else _count_up(instant)
    digits = f"{0b10 << 62 | noise & ((1 << 62) - 1):016x}"
    return f"{_beginning(instant)}{digits[:4]}-{digits[4:]}"


@functools.lru_cache(maxsize=8)  # what is written in one go has one instant
def _beginning(instant: int) -> str:
    milliseconds = (instant // 1_000) & ((1 << 48) - 1)
    # Twelve bits below the millisecond keep ids of one process in the order they were made.
    fraction = (instant % 1_000) * 4096 // 1_000
    digits = f"{milliseconds << 16 | 0x7 << 12 | fraction:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:]}-"


def _count_up(instant: int) -> int:
    """Random bits behind a count that begins anew with each instant, and are drawn anew with it."""
    global _counted  # the order of what one process makes is the process's own
    before, count, noise = _counted
    if before == instant:
        _counted = (instant, count + 1, noise)
    else:
        _counted = (instant, 0, int.from_bytes(os.urandom(8), "big") >> (64 - RANDOM_BITS))
    return _counted[1] << RANDOM_BITS | _counted[2]


def digest(*parts: str | bytes) -> str:
    """A short (128-bit) hexadecimal digest of *parts*; equal parts give equal digests."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        whole.update(len(raw).to_bytes(8, "big"))
        whole.update(raw)
    return whole.hexdigest()
