"""The simulated services, over real loopback HTTP and on a clock that the tests move."""
