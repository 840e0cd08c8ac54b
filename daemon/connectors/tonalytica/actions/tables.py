"""Which tables the queries of a data source read (the client's ``find-tables``)."""

from pydantic import Field

from daemon.connectors.tonalytica import client as vendor
from daemon.connectors.tonalytica.actions import statements
from daemon.connectors.tonalytica.actions.queries import READS
from daemon.contract import declare
from daemon.model.runs import Doubt


class FindTables(declare.Parameters):
    """Of which data source."""

    data_source_id: int = Field(description="The data source whose queries are read.", ge=1)
    archived: bool = Field(False, description="Whether archived queries are read too.")


class Table(declare.Result):
    """A table that queries read."""

    name: str = Field(
        description="Its name as the queries write it, without quotes: `orders`, `shop.orders`."
    )
    query_ids: list[int] = Field(description="The queries that read it.")


class QueryTables(declare.Result):
    """A query and what it reads."""

    query_id: int = Field(description="The query.")
    name: str = Field(description="Its name.")
    url: str = Field(description="Its page.")
    tables: list[str] = Field(description="The tables it reads, in their order.")


class Tables(declare.Result):
    """Which tables are read by which queries."""

    tables: list[Table] = Field(description="The tables, by name.")
    queries: list[QueryTables] = Field(description="The source's queries, by number.")


@declare.action("tonalytica.find_tables", doubt=Doubt.REPEATABLE, why=READS, example={"data_source_id": 1})
async def find_tables(
    client: vendor.TonalyticaClient, parameters: FindTables, call: declare.Call
) -> declare.Done[Tables]:
    """List the tables that the queries of a data source name behind FROM and JOIN. Texts near standard SQL are
    understood."""
    every = await client.list_every_query(archived=parameters.archived)
    found = [
        QueryTables(
            query_id=query["id"],
            name=str(query.get("name") or ""),
            url=client.page_of(f"/queries/{query['id']}"),
            tables=statements.read_tables(str(query.get("query") or "")),
        )
        for query in sorted(every, key=lambda one: int(one["id"]))
        if query.get("data_source_id") == parameters.data_source_id
    ]
    readers: dict[str, list[int]] = {}
    for one in found:
        for name in one.tables:
            readers.setdefault(name, []).append(one.query_id)
    tables = [Table(name=name, query_ids=readers[name]) for name in sorted(readers, key=str.casefold)]
    return declare.Done(Tables(tables=tables, queries=found))
