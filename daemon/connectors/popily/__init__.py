"""Popily: takes in tables of data and finds insights (charts) in them.

Described by the Popily API reference; where it is silent, by the vendor's own Python and Node clients.
``client`` speaks to it, ``actions`` does what it can, ``watches`` follows sources, ``events`` says what is
news.
"""

from daemon.connectors.popily import client, events, watches
from daemon.connectors.popily.actions import insights, sources, users
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="popily",
    about="Popily: takes in tables of data and finds insights in them.",
    settings=client.Settings,
    client=client.make,
    ping=client.ping,
    actions=(
        sources.add_source,
        sources.get_source,
        sources.list_sources,
        insights.list_insights,
        insights.get_insight,
        insights.customize_insight,
        users.create_user,
        users.list_users,
        requests.action(
            "popily.request",
            "Call any path of Popily's API; every path ends in a slash.",
            {"method": "POST", "path": "/users/", "json": {"username": "grace"}},
        ),
    ),
    watches=(watches.sources,),
    events=events.ALL,
    secret_names=events.SECRET_FIELDS,
)
