"""Whole paths through the real daemon, crashes and restarts among them."""
