"""Popily: takes in tables of data and finds insights (charts) in them.

Described by the Popily API reference; where it is silent, by the vendor's own Python and Node clients.
``client`` speaks to it, ``actions`` does what it can, ``watches`` follows sources, ``events`` says what is
news.
"""

from daemon.connectors.popily import client, events, watches
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="popily",
    about="Popily: takes in tables of data and finds insights in them.",
    settings=client.Settings,
    client=client.make,
    ping=client.ping,
    actions=declare.listed(
        __name__,
        {
            "sources": ("popily.add_source", "popily.get_source", "popily.list_sources"),
            "insights": ("popily.list_insights", "popily.get_insight", "popily.customize_insight"),
            "users": ("popily.create_user", "popily.list_users"),
        },
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
