"""TONalytica's queries: listed, made, edited, archived, copied. Rows for ``tonalytica``."""

import re
from functools import partial
from typing import Any

from daemon.sandbox import exchange, tonalytica_instance

EDITED = "name description query options schedule tags is_draft is_archived data_source_id".split()
_READABLE = re.compile(r"/api/queries/\d+(/(results|jobs)(/.*|\..*)?)?")
_RUNNABLE = re.compile(r"/api/queries/\d+/results")


def rows(instance: tonalytica_instance.Instance) -> list[exchange.Row]:
    """The queries' part of the API; fixed words come before ids."""
    return [
        ("GET", "/api/queries", partial(list_queries, instance, False)),
        ("POST", "/api/queries", partial(create_query, instance)),
        ("GET", "/api/queries/archive", partial(list_queries, instance, True)),
        ("GET", "/api/queries/my", partial(list_queries, instance, False)),
        ("GET", "/api/queries/recent", partial(list_recent, instance)),
        ("GET", "/api/queries/tags", partial(list_tags, instance)),
        ("GET", "/api/queries/search", partial(search, instance)),
        ("GET", "/api/queries/{}", partial(get_query, instance)),
        ("POST", "/api/queries/{}", partial(update_query, instance)),
        ("DELETE", "/api/queries/{}", partial(archive_query, instance)),
        ("POST", "/api/queries/{}/fork", partial(fork_query, instance)),
        ("POST", "/api/queries/{}/regenerate_api_key", partial(regenerate_key, instance)),
    ]


def check_query_key(method: str, path: str) -> None:
    """What a query's key may do with its query: read it, run it, and no more."""
    if method in ("GET", "HEAD") and _READABLE.fullmatch(path):
        return
    if method == "POST" and _RUNNABLE.fullmatch(path):
        return
    if path.endswith("/refresh"):
        raise tonalytica_instance.refuse(403, "Please use a user API key.")
    if method == "DELETE":
        raise tonalytica_instance.refuse(403, "You don't have permission to edit this resource.")
    raise tonalytica_instance.refuse(403, tonalytica_instance.NOT_READABLE)


def summary(instance: tonalytica_instance.Instance, query: exchange.Record) -> exchange.Record:
    """A query as lists tell it: when it was last run, no visualizations."""
    hidden = ("visualizations", "can_edit", "last_modified_by")
    told = {k: v for k, v in query.items() if k not in hidden}
    result = instance.results.get(query["latest_query_data_id"] or 0, {})
    run = {"retrieved_at": result.get("retrieved_at"), "runtime": result.get("runtime")}
    return {**told, "last_modified_by_id": 1, **run}


def list_queries(instance: tonalytica_instance.Instance, archived: bool, ask: exchange.Ask) -> exchange.Reply:
    """A page, searched by ``q`` in name, description and text, filtered by ``tags``."""
    words = ask.query.get("q", "").lower().split()
    kept = [
        query
        for query in instance.queries.values()
        if query["is_archived"] == archived
        and all(word in _searched(query) for word in words)
        and ("tags" not in ask.query or ask.query["tags"] in query["tags"])
    ]
    return tonalytica_instance.page(
        ask, [summary(instance, q) for q in tonalytica_instance.ordered(ask, kept)]
    )


def list_recent(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """A plain list, newest first."""
    return exchange.Reply(200, [summary(instance, q) for q in reversed(instance.queries.values())])


def list_tags(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Each tag with how many queries have it."""
    names = [tag for query in instance.queries.values() for tag in query["tags"]]
    return exchange.Reply(200, {"tags": [{"name": n, "count": names.count(n)} for n in dict.fromkeys(names)]})


def search(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Moved for good to the list."""
    return exchange.Reply(301, b"", headers={"Location": "/api/queries"}, content_type="text/html")


def get_query(instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str) -> exchange.Reply:
    """One query, archived ones too."""
    return exchange.Reply(200, instance.query(query_id))


def create_query(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """``name query data_source_id`` needed; real servers stumble (500) where one is missing."""
    body = tonalytica_instance.fields(ask)
    _check(instance, body)
    if not {"name", "query", "data_source_id"} <= set(body):
        raise tonalytica_instance.broken()
    query = instance.keep_query(body)
    return exchange.Reply(200, query, "query.created", str(query["id"]))


def update_query(instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str) -> exchange.Reply:
    """Any of the fields; unknown ones are ignored; a query's ``version`` never moves."""
    query = instance.query(query_id)
    body = tonalytica_instance.fields(ask)
    _check(instance, body)
    tonalytica_instance.check_version(query, body)
    query.update({name: body[name] for name in EDITED if name in body})
    query |= {"options": query["options"] or {}, "tags": query["tags"] or []}
    query["query_hash"] = tonalytica_instance.query_hash(query["query"])
    query["is_safe"] = not tonalytica_instance.has_text_parameter(query["options"])
    query["updated_at"] = instance.stamp()
    return exchange.Reply(200, query, "query.updated", query_id)


def archive_query(instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str) -> exchange.Reply:
    """``null``; the query can still be read and run; repeating is harmless."""
    query = instance.query(query_id)
    query["is_archived"] = True
    query["schedule"] = None
    return exchange.Reply(200, None, "query.archived", query_id)


def fork_query(instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str) -> exchange.Reply:
    """A copy with a name that says so, its visualizations and its latest result; a draft without a schedule."""
    query = instance.query(query_id)
    copy = instance.keep_query({**query, "name": f"Copy of (#{query_id}) {query['name']}", "schedule": None})
    now = instance.stamp()
    stamps = {"created_at": now, "updated_at": now}
    copy["visualizations"] = [
        {**one, **stamps, "id": instance.next("visualization")} for one in query["visualizations"]
    ]
    copy["latest_query_data_id"] = query["latest_query_data_id"]
    if int(query_id) in instance.plans:
        instance.plans[copy["id"]] = dict(instance.plans[int(query_id)])
    return exchange.Reply(200, copy, "query.created", str(copy["id"]))


def regenerate_key(
    instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str
) -> exchange.Reply:
    """The query's old key is void."""
    query = instance.query(query_id)
    query["api_key"] = instance.new_key("query")
    return exchange.Reply(200, query, "query.key_regenerated", query_id)


def _searched(query: exchange.Record) -> str:
    return f"{query['name']} {query['description'] or ''} {query['query']}".lower()


def _check(instance: tonalytica_instance.Instance, body: exchange.Record) -> None:
    wrong_text = any(not isinstance(body.get(name, ""), str) for name in ("name", "query"))
    wrong_source = "data_source_id" in body and not _is_source(instance, body["data_source_id"])
    options, tags = body.get("options") or {}, body.get("tags") or []
    wrong_options = not isinstance(options, dict) or not _are(options.get("parameters") or [], dict)
    if wrong_text or wrong_source or wrong_options or not _are(tags, str):
        raise tonalytica_instance.broken()


def _are(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _is_source(instance: tonalytica_instance.Instance, value: Any) -> bool:
    return isinstance(value, int) and value in instance.data_sources
