"""Chance that can be repeated: each test's own, from a seed that is printed."""

import os
import random
import time


def seeded(name: str) -> random.Random:
    """A source of chance for the test *name*; ``POINTSMAN_SEED`` repeats an earlier one."""
    seed = int(os.environ.get("POINTSMAN_SEED") or time.time_ns() % 1_000_000)
    print(f"POINTSMAN_SEED={seed} repeats the {name}")
    return random.Random(f"{seed} {name}")
