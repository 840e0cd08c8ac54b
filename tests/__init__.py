"""The tests, in the same tree as the daemon, and the tools they share."""
