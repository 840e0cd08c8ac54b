"""Measurements: ratios within one run, printed with the machine's noise. Run ``make bench`` (see README.md here)."""

BENCHES = (
    "ack",
    "readback",
    "latency",
    "whole",
    "recovery",
    "flat",
    "drain",
    "commit",
    "claim",
    "idle",
    "watched",
)
