"""The vendors' own clients against the simulated services: programs that others wrote must find there what they expect.

Each has an environment of its own (``environments``), in which a short program uses it (``programs``) as its users do;
what the client gave and what the service's ledger holds is asserted beside.
"""
