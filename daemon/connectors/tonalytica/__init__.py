"""TONalytica, or any Redash 8 to newest: queries, their executions and their results.

The API: the readme of ``tonalytica-client`` ("Common Endpoints"), and Redash's own source, which it forks.
``client`` speaks to it, ``actions`` does what it can, ``watches`` follows jobs and results, ``events`` says what is
news.
"""

from daemon.connectors.tonalytica import client, events, watches
from daemon.connectors.tonalytica.actions import (
    cloning,
    dashboards,
    executions,
    exporting,
    queries,
    searching,
    tables,
)
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="tonalytica",
    about="TONalytica, or any Redash: executes queries and tells their results.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=(
        executions.execute_query,
        executions.get_job,
        executions.get_result,
        executions.get_cached_result,
        queries.get_query,
        queries.list_queries,
        queries.create_query,
        queries.update_query,
        queries.archive_query,
        dashboards.list_dashboards,
        dashboards.get_dashboard,
        dashboards.create_dashboard,
        dashboards.update_dashboard,
        dashboards.archive_dashboard,
        searching.search_results,
        tables.find_tables,
        cloning.clone_dashboard,
        exporting.export_queries,
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
