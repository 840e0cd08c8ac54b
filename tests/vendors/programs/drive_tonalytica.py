"""What a user of ``tonalytica-client`` does: ask, save, chart, share. Run in that client's own environment.

Its arguments come as JSON on standard input, what the client gave goes as JSON to standard output.
"""

import json
import sys

from tonalytica_client.client import TonalyticaAPIClient


def refused(url: str) -> str:
    """What the client says to a wrong key."""
    try:
        TonalyticaAPIClient("no-such-key", url)
    except Exception as failed:  # the client raises nothing narrower
        return str(failed)
    return ""


def chart(client: TonalyticaAPIClient, query_id: int) -> list:
    """A chart and a table of a query."""
    axes = {"columns": None, "x_axis": "city", "y_axis": [{"name": "signups"}]}
    columns = [{"name": "city", "type": "string"}]
    return [
        client.create_visualization(query_id, "column", "by city", **axes).json(),
        client.create_visualization(query_id, "table", "as they are", columns=columns).json(),
    ]


def publish(client: TonalyticaAPIClient, chart_id: int, board: str | None) -> dict:
    """A dashboard with a chart and a text, for everybody to see; read by the name *board*, or its number."""
    made = client.create_dashboard("Growth").json()
    places = [{"col": 0, "row": 0, "sizeX": 3, "sizeY": 8}, {"col": 3, "row": 0, "sizeX": 3, "sizeY": 8}]
    client.add_widget(made["id"], vs_id=chart_id, position=places[0])
    client.add_widget(made["id"], text="read me", position=places[1])
    public_url = client.publish_dashboard(made["id"])
    return {"public_url": public_url, "dashboard": client.get_dashboard(board or made["id"])}


def read_lists(client: TonalyticaAPIClient) -> dict:
    """What is listed, page by page where there are pages."""
    return {
        "alerts": client.alerts(),
        "names": [one["name"] for one in client.paginate(client.queries, page_size=2)],
        "scheduled": [one["name"] for one in client.scheduled_queries()],
        "boards": [one["name"] for one in client.paginate(client.dashboards)],
        "users": client.users()["count"],
        "sources": [one["name"] for one in client.get_data_sources()],
        "source": client.get_data_source(1)["name"],
    }


def main() -> None:
    """All but what the client cannot do by its own faults: its edit of a dashboard sends nothing, for one."""
    given = json.load(sys.stdin)
    client = TonalyticaAPIClient(given["api_key"], given["url"] + "/")
    result = client.query_and_wait_result(1, given["sql"], timeout=30).json()["query_result"]
    made = {"desc": "by hand", "with_results": False, "options": {"parameters": []}}
    query = client.create_query(1, "cities", given["sql"], **made).json()
    told = {"rows": result["data"]["rows"], "refreshed": client.refresh_query(query["id"]).json()["job"]}
    told["visualizations"] = chart(client, query["id"])
    told |= publish(client, told["visualizations"][0]["id"], given["board"])
    alert = client.create_alert("few", {"column": "signups", "op": "less than", "value": 3}, query["id"])
    told |= {"alert": client.get_alert(alert["id"]), "fork": client.duplicate_query(query["id"])}
    told |= {"query": client.get_query(query["id"]), **read_lists(client), "refused": refused(given["url"])}
    client.delete(f"queries/{told['fork']['id']}")
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
