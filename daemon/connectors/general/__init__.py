"""What needs no service: calls of any allowed server, events and state of one's own, the log, files.

There is no account of this kind. The actions are named after what they touch (``http``, ``event``, ``state``,
``log``, ``file``); what they may reach over HTTP is up to ``[http] allow_hosts``, and where they may write to
``[daemon] write_below``.
"""

from daemon.connectors.general import client
from daemon.connectors.general.actions import calls, disk, own
from daemon.contract import declare

connector = declare.Connector(
    kind="general",
    about="What needs no service: calls of any allowed server, events and state of one's own, the log, files.",
    settings=None,
    client=client.make_client,
    ping=None,
    secret_names=frozenset(
        ["access_token", "refresh_token", "client_secret", "private_key", "passwd", "authorization"]
    ),
    actions=(calls.request, own.emit, own.set_state, own.delete_state, own.write_log, disk.write_file),
)
