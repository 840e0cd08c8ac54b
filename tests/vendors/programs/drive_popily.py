"""What a user of ``popily-api`` does: add sources, wait, read and customise insights. Run in its own environment.

Its arguments come as JSON on standard input, what the client gave goes as JSON to standard output.
"""

import json
import sys
import time

from popily_api import Popily

PATIENCE = 20.0  # seconds


def wait(client: Popily, source_id: int) -> dict:
    """The source when it is finished, or as it is after a while."""
    end = time.monotonic() + PATIENCE
    source = client.get_source(source_id)
    while source["status"] not in ("finished", "error") and time.monotonic() < end:
        time.sleep(0.1)
        source = client.get_source(source_id)
    return source


def main() -> None:
    """All that the client can."""
    given = json.load(sys.stdin)
    client = Popily(given["token"], given["url"])
    columns = [
        {"column_header": "city", "data_type": "category"},
        {"column_header": "n", "data_type": "numeric"},
    ]
    by_url = client.add_source(url="https://data.example/sales.csv", title="sales", columns=columns)
    with open(given["file"], "rb") as file:
        by_file = client.add_source(file_obj={"data": file}, title="visits", description="by hand")
    with open(
        given["file"], "rb"
    ) as file:  # a file's columns go as Python writes them, and Popily reads JSON
        unread = client.add_source(file_obj={"data": file}, title="unread", columns=columns)
    by_query = client.add_source(
        connection_string="mysql://ada:secret@db.example/sales", query="select 1", columns=columns
    )
    finished = wait(client, by_url["id"])
    listed = client.get_insights(by_url["id"], columns=["city", "n"], full=True, height=300, width=400)
    (first, *_) = listed["results"]
    filters = [{"column": "city", "op": "eq", "values": ["Oslo", "Lima"]}, {"column": "n", "values": ["3"]}]
    told = {
        "added": [by_url, by_file, by_query],
        "unread": unread,
        "finished": finished,
        "sources": client.get_sources(),
        "insights": listed,
        "filtered": client.get_insights(by_url["id"], filters=filters),
        "insight": client.get_insight(first["id"], height=200),
        "customized": client.customize_insight(first["id"], title="By city", category_order="a-z"),
        "narrowed": client.customize_insight(first["id"], filters=filters, title="Two cities"),
        "again": client.get_insight(first["id"]),
        "missing": client.get_source(999999),
        "refused": Popily("no-such-token", given["url"]).get_sources(),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
