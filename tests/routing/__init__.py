"""Tests of `routing`: events to runs."""
