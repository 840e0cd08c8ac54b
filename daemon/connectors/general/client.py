"""What the general actions speak through: the guarded way out, the folders they may write to, the daemon's log.

Made by the connector's face, without an account; called by its actions.
"""

from dataclasses import dataclass

import structlog

from daemon.contract import configured, declare, http
from daemon.model.jsons import JsonObject


@dataclass(frozen=True, slots=True)
class GeneralClient:
    """*http* goes where ``[http] allow_hosts`` lets it; files are written below *write_below* only."""

    http: http.Http
    write_below: tuple[str, ...] = ()

    def log(self, level: str, message: str, call: declare.Call, fields: JsonObject) -> None:
        """Write one line at *level* (``debug info warning error``), bound to the run and step that say it."""
        bound = structlog.get_logger("pointsman").bind(run_id=call.run_id, step_id=call.step_id)
        # The operator's fields stay under one name: they cannot take the place of the line's own.
        getattr(bound, level)("message.written", message=message, **({"fields": fields} if fields else {}))


def make_client(settings: configured.Reach | None, way: http.Http) -> GeneralClient:
    """The client of the general actions. They have no account: *settings* say how far they reach."""
    return GeneralClient(way, settings.write_below if settings is not None else ())
