"""What can be done without an account: ``calls`` goes out over HTTP, ``own`` stays in the house."""
