"""``pointsman check``: everything that is wrong with the config, at once."""

import sys

import typer

from daemon import checking, config
from daemon.cli import context, options, printing


def check(state: typer.Context, json: options.AsJson = False) -> None:
    """Check the config whole, and say everything that is wrong.

    Syntax, names, secrets, and every template against the schemas; each problem with its place. Exits 1
    where there are errors, 0 with warnings alone. `run` refuses exactly what this finds wrong.

    \b
      pointsman --config config.toml check
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    found = config.read(given.path, catalog)
    problems = found.with_problems(checking.check(found.tree, catalog, whole=found.whole))
    if json:
        printing.document({"problems": [config.to_json(one) for one in problems]})
    else:
        for one in problems:
            print(one, file=sys.stderr)
    bad = config.refuses(problems)
    if not json and not bad:
        warned = f", with {printing.count(len(problems), 'warning')}" if problems else ""
        print(f"{given.path}: good{warned}")
    raise typer.Exit(context.NOT_GOOD if bad else context.GOOD)
