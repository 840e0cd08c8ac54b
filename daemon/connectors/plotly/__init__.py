"""Plotly (Chart Studio): grids of data and the plots that refer to them.

Described by the root page of its v2 API (``GET /v2/``), its pages on files, grids, plots and folders, and its
own Python and R clients. Nothing is told by callbacks.
"""

from daemon.connectors.plotly import client
from daemon.connectors.plotly.actions import files, folders, grids, plots
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="plotly",
    about="Plotly (Chart Studio): grids of data and the plots that refer to them.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=(
        grids.create_grid,
        grids.append_rows,
        grids.get_grid,
        plots.create_plot,
        folders.create_folder,
        files.lookup_file,
        requests.action(
            "plotly.request",
            "Call any path of Plotly with the account's credentials and limits. Its paths have no trailing slash.",
        ),
    ),
    secret_names=frozenset({"api_key", "share_key", "embed_url"}),
)
