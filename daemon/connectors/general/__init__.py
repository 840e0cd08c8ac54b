"""What needs no service: calls of any allowed server, events and state of one's own, the log, files, notices.

There is no account of this kind. The actions are named after what they touch (``http``, ``event``, ``state``,
``log``, ``file``, ``notify``); what they may reach over HTTP is up to ``[http] allow_hosts``, where they may write to
``[daemon] write_below``, whom they may tell something to ``[notify]``.
"""

from daemon.connectors.general import client
from daemon.contract import declare

connector = declare.Connector(
    kind="general",
    about="What needs no service: calls of any allowed server, events and state of one's own, the log, files, notices.",
    settings=None,
    client=client.make_client,
    ping=None,
    secret_names=frozenset(
        [
            "access_token",
            "refresh_token",
            "client_secret",
            "private_key",
            "passwd",
            "authorization",
            "secret_headers",
        ]
    ),
    actions=declare.listed(
        __name__,
        {
            "calls": ("http.request",),
            "own": ("event.emit", "state.set", "state.delete", "log.write"),
            "disk": ("file.write",),
            "notices": ("notify.send",),
        },
    ),
    judge_target=client.judge_target,
)
