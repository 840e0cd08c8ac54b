"""The numbered examples: checked as they are, and run against the simulated services."""
