"""The definitions that runs began with, each once under its digest, without secrets.

Called by ``runs`` when runs are made, and by ``running`` when it takes one up; plain functions of one connection.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon.journal import bulk, tables
from daemon.journal.tables import reactions
from daemon.model import jsons
from daemon.model import reactions as rules
from daemon.model.reactions import Reaction

_KNOWN = bulk.Statement(
    lambda dialect: sa.select(reactions.c.digest).where(
        bulk.is_one_of(reactions.c.digest, "digests", dialect)
    )
)


def remember(connection: Connection, found: Mapping[str, Reaction], now: int) -> None:
    """Keep each reaction's definition under its digest, so that a run ends on the version it began with."""
    known = (
        {row[0] for row in _KNOWN.rows(connection, digests=bulk.several(connection, found))}
        if found
        else set()
    )
    for digest in found.keys() - known:
        reaction = found[digest]
        row = {
            "digest": digest,
            "name": reaction.name,
            "definition": jsons.dumps(rules.to_json(reaction)),
            "recorded_at": now,
        }
        connection.execute(tables.insert_into(connection, reactions).values(row).on_conflict_do_nothing())


def get(connection: Connection, digest: str) -> Reaction | None:
    """The definition kept under *digest*."""
    text = connection.scalar(sa.select(reactions.c.definition).where(reactions.c.digest == digest))
    return rules.from_json(jsons.loads(text)) if text is not None else None
