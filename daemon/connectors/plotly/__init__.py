"""Plotly (Chart Studio): grids of data and the plots that refer to them.

Described by the root page of its v2 API (``GET /v2/``), its pages on files, grids, plots and folders, and its
own Python and R clients. Nothing is told by callbacks: files are watched.

Its text also names extras, memberships, organizations, subscriptions, Jupyter notebooks, shapefiles, external
images and analysis, without a word on what they take; ``plotly.request`` reaches them.
"""

from daemon.connectors.plotly import client, events, watches
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="plotly",
    about="Plotly (Chart Studio): grids of data and the plots that refer to them.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=declare.listed(
        __name__,
        {
            "grids": ("plotly.create_grid", "plotly.get_grid", "plotly.update_grid", "plotly.delete_grid"),
            "growth": (
                "plotly.append_rows",
                "plotly.append_columns",
                "plotly.get_columns",
                "plotly.delete_columns",
            ),
            "plots": (
                "plotly.create_plot",
                "plotly.get_plot",
                "plotly.update_plot",
                "plotly.list_plots",
                "plotly.list_feed",
            ),
            "pictures": ("plotly.render_image", "plotly.get_plot_schema"),
            "folders": ("plotly.create_folder", "plotly.get_folder", "plotly.list_files"),
            "files": (
                "plotly.lookup_file",
                "plotly.get_file",
                "plotly.get_file_content",
                "plotly.update_file",
                "plotly.trash_file",
                "plotly.restore_file",
                "plotly.delete_file",
            ),
            "people": (
                "plotly.search",
                "plotly.create_comment",
                "plotly.delete_comment",
                "plotly.get_user",
                "plotly.list_users",
                "plotly.list_endpoints",
            ),
            "boards": (
                "plotly.list_dashboards",
                "plotly.get_dashboard",
                "plotly.create_dashboard",
                "plotly.update_dashboard",
                "plotly.get_dashboard_schema",
                "plotly.list_presentations",
                "plotly.get_presentation",
                "plotly.create_presentation",
                "plotly.update_presentation",
                "plotly.create_dash_app",
                "plotly.get_dash_app",
                "plotly.update_dash_app",
            ),
        },
        requests.action(
            "plotly.request",
            "Call any path of Plotly with the account's credentials and limits. Its paths have no trailing slash.",
            {"method": "POST", "path": "/folders", "json": {"path": "/reports/2026"}},
        ),
    ),
    watches=(watches.watch_files,),
    events=events.ALL,
    secret_names=events.SECRET_FIELDS,
)
