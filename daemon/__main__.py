"""``python -m daemon``: the same as the command ``pointsman``."""

from daemon import cli

if __name__ == "__main__":
    cli.main()
