"""What the general actions speak through: the guarded way out, the folders they may write to, the people they may
tell something, the daemon's log.

Made by the connector's face, without an account; called by its actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from daemon.contract import configured, declare, errors, http, secret_forms
from daemon.model.jsons import JsonObject


@dataclass(frozen=True, slots=True)
class GeneralClient:
    """*http* goes where ``[http] allow_hosts`` lets it; files are written below *write_below* only; *targets* are the
    addresses of ``[notify]``, by name.
    """

    http: http.Http
    write_below: tuple[str, ...] = ()
    targets: Mapping[str, secret_forms.Secret] = field(default_factory=dict)

    def address(self, name: str) -> str:
        """The address that ``[notify]`` has under *name*, as it is now; :class:`~errors.PermanentError` for none."""
        if name not in self.targets:
            raise errors.PermanentError(f"nobody is called {name!r} under [notify]. Name them there.")
        try:
            return self.targets[name].resolve()
        except secret_forms.SecretMissing as missing:
            raise errors.PermanentError(f"the address of {name} cannot be had: {missing.text}") from None

    def log(self, level: str, message: str, call: declare.Call, fields: JsonObject) -> None:
        """Write one line at *level* (``debug info warning error``), bound to the run and step that say it."""
        bound = structlog.get_logger("pointsman").bind(run_id=call.run_id, step_id=call.step_id)
        # The operator's fields stay under one name: they cannot take the place of the line's own.
        getattr(bound, level)("message.written", message=message, **({"fields": fields} if fields else {}))


def make_client(settings: configured.Reach | None, way: http.Http) -> GeneralClient:
    """The client of the general actions. They have no account: *settings* say how far they reach."""
    reach = settings if settings is not None else configured.Reach()
    return GeneralClient(way, reach.write_below, reach.targets)


def judge_target(address: str) -> tuple[str, str]:
    """What is wrong with an *address* of ``[notify]`` and what to do; two empty texts where it is understood."""
    from daemon.connectors.general.actions import apprised  # it imports Apprise, which few daemons need

    return apprised.what_is_wrong(address)
