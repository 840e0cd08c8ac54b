"""What can be done without an account: ``calls`` go out over HTTP, ``disk`` writes files, ``own`` stays at home."""
