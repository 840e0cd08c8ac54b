"""Tests of `running`: claimed runs through their steps."""
