"""What users of ``redash-toolbelt`` do, its four example scripts among it. Run in that client's own environment.

Its arguments come as JSON on standard input, what the client gave goes as JSON to standard output.
"""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

from redash_toolbelt import Redash
from redash_toolbelt.examples import clone_dashboard_and_queries, gdpr_scrub, query_export, refresh_query


def run_gdpr_scrub(client: Redash, email: str) -> list[str]:
    """The addresses that the search prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        gdpr_scrub.Lookup(client, [email]).lookup()
    return [line for line in printed.getvalue().splitlines() if line.startswith("http")]


def export(client: Redash, folder: str) -> dict[str, str]:
    """The files of the export."""
    os.chdir(folder)
    query_export.save_queries(client.paginate(client.queries))
    return {place.name: place.read_text() for place in sorted(Path(folder).glob("*.sql"))}


def build(client: Redash) -> dict:
    """A dashboard with a chart of a new query and a text; its number and slug."""
    query = {"name": "cities", "query": "select city, signups, share from signups", "data_source_id": 1}
    made = client.create_query({**query, "description": "for ada@example.com", "options": {}}).json()
    chart = {
        "name": "by city",
        "type": "CHART",
        "query_id": made["id"],
        "options": {"x": 1},
        "description": "",
    }
    shown = client._post("api/visualizations", json=chart).json()
    board = client.create_dashboard("Growth")
    board = client.update_dashboard(board["id"], {"tags": ["weekly"], "is_draft": False})
    client.create_widget(board["id"], shown["id"], "", {"position": {"col": 0, "row": 0}})
    client.create_widget(board["id"], None, "written for ada@example.com", {"position": {"col": 3, "row": 0}})
    return {"query": made, "board": board}


def main() -> None:
    """Build, read, search, copy, export, refresh."""
    given = json.load(sys.stdin)
    client = Redash(given["url"], given["api_key"])
    built = build(client)
    slug = built["board"]["slug"] if given["by_slug"] else built["board"]["id"]
    rows = refresh_query.get_fresh_query_result(given["url"], 17, given["api_key"], {})
    told = {
        "good": client.test_credentials(),
        "bad": Redash(given["url"], "no-such-key").test_credentials(),
        "built": built,
        "rows": rows,
        "found": run_gdpr_scrub(client, "ada@example.com") if given["by_slug"] else [],
        "clone": clone_dashboard_and_queries.duplicate(client, slug, "Copy of "),
        "copy": client.duplicate_dashboard(slug, "Second"),
        "fork": client.duplicate_query(built["query"]["id"], "third"),
        "files": export(client, given["folder"]),
        "updated": client.update_query(built["query"]["id"], {"name": "towns"}).json()["name"],
        "alert": client.create_alert("few", {"column": "signups", "op": "less than", "value": 3}, 17),
        "boards": [one["name"] for one in client.paginate(client.dashboards, page_size=1)],
        "users": client.users()["count"],
        "sources": [one["name"] for one in client.get_data_sources()],
        "scheduled": list(client.scheduled_queries()),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
