"""Plotly (Chart Studio): grids of data and the plots that refer to them.

Described by the root page of its v2 API (``GET /v2/``), its pages on files, grids, plots and folders, and its
own Python and R clients. Nothing is told by callbacks: files are watched.

Its text also names extras, memberships, organizations, subscriptions, Jupyter notebooks, shapefiles, external
images and analysis, without a word on what they take; ``plotly.request`` reaches them.
"""

from daemon.connectors.plotly import client, events, watches
from daemon.connectors.plotly.actions import boards, files, folders, grids, growth, people, pictures, plots
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="plotly",
    about="Plotly (Chart Studio): grids of data and the plots that refer to them.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=(
        grids.create_grid,
        grids.get_grid,
        grids.update_grid,
        grids.delete_grid,
        growth.append_rows,
        growth.append_columns,
        growth.get_columns,
        growth.delete_columns,
        plots.create_plot,
        plots.get_plot,
        plots.update_plot,
        plots.list_plots,
        plots.list_feed,
        pictures.render_image,
        pictures.get_plot_schema,
        folders.create_folder,
        folders.get_folder,
        folders.list_files,
        files.lookup_file,
        files.get_file,
        files.get_file_content,
        files.update_file,
        files.trash_file,
        files.restore_file,
        files.delete_file,
        people.search,
        people.create_comment,
        people.delete_comment,
        people.get_user,
        people.list_users,
        people.list_endpoints,
        boards.list_dashboards,
        boards.get_dashboard,
        boards.create_dashboard,
        boards.update_dashboard,
        boards.get_dashboard_schema,
        boards.list_presentations,
        boards.get_presentation,
        boards.create_presentation,
        boards.update_presentation,
        boards.create_dash_app,
        boards.get_dash_app,
        boards.update_dash_app,
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
