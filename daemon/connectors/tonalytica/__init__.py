"""TONalytica, or any Redash 8 to newest: queries, their executions and their results.

The API: the readme of ``tonalytica-client`` ("Common Endpoints"), and Redash's own source, which it forks.
``client`` speaks to it, ``actions`` does what it can, ``watches`` follows jobs and results, ``events`` says what is
news.
"""

from daemon.connectors.tonalytica import client, events, watches
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="tonalytica",
    about="TONalytica, or any Redash: executes queries and tells their results.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=declare.listed(
        __name__,
        {
            "executions": (
                "tonalytica.execute_query",
                "tonalytica.get_job",
                "tonalytica.get_result",
                "tonalytica.get_cached_result",
            ),
            "queries": (
                "tonalytica.get_query",
                "tonalytica.list_queries",
                "tonalytica.create_query",
                "tonalytica.update_query",
                "tonalytica.archive_query",
            ),
            "dashboards": (
                "tonalytica.list_dashboards",
                "tonalytica.get_dashboard",
                "tonalytica.create_dashboard",
                "tonalytica.update_dashboard",
                "tonalytica.archive_dashboard",
            ),
            "searching": ("tonalytica.search_results",),
            "tables": ("tonalytica.find_tables",),
            "cloning": ("tonalytica.clone_dashboard",),
            "exporting": ("tonalytica.export_queries",),
        },
        requests.action(
            "tonalytica.request",
            "Call any path of the service; `/api` is put before it if it is not there.",
            {"method": "POST", "path": "/dashboards", "json": {"name": "Openings"}},
        ),
    ),
    watches=(watches.jobs, watches.queries),
    events=events.ALL,
    # public_url is a dashboard's shared link: it carries that link's own key.
    secret_names=frozenset({"api_key", "public_url"}),
)
