"""The pages under ``docs/reference/``, as the code's own schemas give them, and the results that they show.

``make docs`` runs this module to write them; ``test_docs.py`` compares them.
"""

import asyncio
import tempfile
from pathlib import Path

import typer
import typer.main

from daemon import cli, connectors, reference
from daemon.config import schema
from tests.house import recorded_results, sources

PAGES = sources.ROOT / "docs" / "reference"
KINDS = reference.KINDS


def render(kind: str) -> str:
    """The Markdown of one page."""
    catalog = connectors.discover()
    return reference.render(kind, catalog, schema.json_schema(catalog), typer.main.get_command(program()))


def program() -> typer.Typer:
    """The root of the command line: the one Typer that ``daemon.cli`` holds."""
    (root,) = {id(each): each for each in vars(cli).values() if isinstance(each, typer.Typer)}.values()
    return root


def main() -> None:
    """Write the recorded results and every page that differ, and name them."""
    with tempfile.TemporaryDirectory() as folder:
        found = recorded_results.written(asyncio.run(recorded_results.record(Path(folder))))
    if not recorded_results.FILE.exists() or recorded_results.FILE.read_text() != found:
        recorded_results.FILE.write_text(found)
        print("daemon/reference/results.json is new")
    PAGES.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        page, text = PAGES / f"{kind}.md", render(kind)
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
            print(f"docs/reference/{kind}.md is new")


if __name__ == "__main__":
    main()
