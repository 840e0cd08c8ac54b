"""``pointsman check``: everything that is wrong with the config, at once."""

import sys
from typing import Annotated

import typer

from daemon import checking, config
from daemon.cli import context
from daemon.model import jsons


def check(
    state: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check the config whole: syntax, names, secrets, and every template against the schemas.

    Prints every problem with its place, not just the first. Exits 1 where there are errors, 0 with warnings alone.
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    found = config.read(given.path, catalog)
    problems = found.with_problems(checking.check(found.tree, catalog, whole=found.whole))
    if json:
        print(jsons.dumps({"problems": [config.to_json(one) for one in problems]}))
    else:
        for one in problems:
            print(one, file=sys.stderr)
    bad = config.refuses(problems)
    if not json and not bad:
        warned = f", {len(problems)} warnings" if problems else ""
        print(f"{given.path}: good{warned}")
    raise typer.Exit(context.NOT_GOOD if bad else context.GOOD)
