"""``python -m daemon``: the same as the command ``pointsman``."""

from daemon.cli import main

if __name__ == "__main__":
    main()
