"""One call of every action there is, and the things at the services that these calls are about.

``$name`` stands for what ``furnish`` made under that name. A new action needs its line here: ``test_actions`` says so.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daemon.sandbox import compass as simulated
from daemon.sandbox.server import Sandbox
from tests.sandbox.calling import basic

TEMPLATE = "51536582dd02dcccf9000001"
TAGS = {"city": "Oslo", "signups": "42"}
PROJECT = {"project_id": simulated.PROJECT_ID}
ROWS = [{"city": "Oslo", "signups": 42}, {"city": "Lima", "signups": 17}]
COLUMNS = [
    {"column_header": "city", "data_type": "category"},
    {"column_header": "signups", "data_type": "numeric"},
]
FILE = {"name": "offer.txt", "content": "Valid until Friday."}
DRAWN = {"data": [{"y": [1, 2]}]}
BARS = {"grid": "$grid", "data": [{"type": "bar", "xsrc": "city", "ysrc": "signups"}]}
BOARD = {"version": 2, "layout": {"type": "split"}}

Act = Callable[..., Awaitable[Any]]

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "compass.add_documents": {**PROJECT, "documents": [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]},
    "compass.change_password": {"email": "$me", "old_password": "$password", "password": "sesame-2"},
    "compass.classify": {**PROJECT, "text": "a price"},
    "compass.create_account": {"name": "Second"},
    "compass.create_classifier": {**PROJECT, "name": "second", "type": "voting"},
    "compass.create_classifier_topic": {
        **PROJECT, "classifier_id": "$by_topic", "name": "second", "info": "a OR b",
    },
    "compass.create_permission": {"user": "$user", "account": "$account", "level": "read"},
    "compass.create_project": {"name": "Second", "account": "$account", "language": "en"},
    "compass.create_topic": {**PROJECT, "title": "second", "info": {"terms": {"b": 1.0}}},
    "compass.create_user": {"name": "Bob", "email": "bob@example.com"},
    "compass.delete_account": {"account_id": "$empty_account"},
    "compass.delete_classifier": {**PROJECT, "classifier_id": "$classifier"},
    "compass.delete_classifier_topic": {**PROJECT, "topic_id": "$classifier_topic"},
    "compass.delete_message": {**PROJECT, "message_id": "$message"},
    "compass.delete_permission": {"permission_id": "$permission"},
    "compass.delete_project": {"project_id": "$project"},
    "compass.delete_token": {"user": "$me"},
    "compass.delete_topic": {**PROJECT, "topic_id": "$topic"},
    "compass.delete_user": {"email": "$user"},
    "compass.get_account": {"account_id": "$account"},
    "compass.get_classifier": {**PROJECT, "classifier_id": "$classifier"},
    "compass.get_config": {**PROJECT, "key": "assoc_axes"},
    "compass.get_message": {**PROJECT, "message_id": "$message"},
    "compass.get_permission": {"permission_id": "$permission"},
    "compass.get_project": PROJECT,
    "compass.get_stats": PROJECT,
    "compass.get_token": {"user": "$me"},
    "compass.get_topic": {**PROJECT, "topic_id": "$topic"},
    "compass.get_usage": {**PROJECT, "usage_id": "20251130"},
    "compass.get_user": {"email": "$user"},
    "compass.list_accounts": {},
    "compass.list_classifiers": PROJECT,
    "compass.list_config": PROJECT,
    "compass.list_documents": PROJECT,
    "compass.list_messages": PROJECT,
    "compass.list_permissions": {},
    "compass.list_projects": {},
    "compass.list_tokens": {},
    "compass.list_topic_messages": {**PROJECT, "topic_id": "$topic"},
    "compass.list_topics": PROJECT,
    "compass.list_topics_history": PROJECT,
    "compass.list_usage": PROJECT,
    "compass.list_users": {},
    "compass.post_messages": {**PROJECT, "messages": [{"text": "one"}, {"text": "two"}]},
    "compass.purge_messages": {**PROJECT, "to_date": "2100-01-01T00:00:00Z"},
    "compass.request": {"method": "POST", "path": "/accounts/", "json": {"name": "Third"}},
    "compass.reset_password": {"email": "$user"},
    "compass.set_config": {**PROJECT, "key": "assoc_axes", "value": 200},
    "compass.unset_config": {**PROJECT, "key": "assoc_axes"},
    "compass.update_account": {"account_id": "$account", "name": "Renamed"},
    "compass.update_classifier": {**PROJECT, "classifier_id": "$classifier", "status": "inactive"},
    "compass.update_classifier_topic": {**PROJECT, "topic_id": "$classifier_topic", "info": "c"},
    "compass.update_project": {**PROJECT, "name": "Renamed"},
    "compass.update_topic": {**PROJECT, "topic_id": "$topic", "blocking": True},
    "compass.update_user": {"email": "$user", "name": "Renamed"},
    "event.emit": {"type": "offer.made", "subject": "1"},
    "file.write": {"path": "$folder/a.txt", "content": "text"},
    "http.request": {
        "method": "POST", "url": "$anywhere", "secret_headers": "$headers", "json": {"source_html": "<b>x</b>"},
    },
    "log.write": {"message": "here"},
    "notify.send": {"to": "people", "body": "<b>x</b>"},
    "plotly.append_columns": {"fid": "$grid", "columns": {"m": [5, 6]}},
    "plotly.append_rows": {"fid": "$grid", "rows": [{"city": "Rome", "signups": 3}]},
    "plotly.create_comment": {"fid": "$grid", "comment": "good"},
    "plotly.create_dash_app": {"filename": "second app"},
    "plotly.create_dashboard": {"filename": "second board", "content": BOARD},
    "plotly.create_folder": {"path": "reports/2026"},
    "plotly.create_grid": {"filename": "second", "rows": ROWS},
    "plotly.create_plot": {"filename": "second plot", **BARS},
    "plotly.create_presentation": {"filename": "second talk", "content": BOARD},
    "plotly.delete_columns": {"fid": "$grid", "columns": ["signups"]},
    "plotly.delete_comment": {"comment_id": "$comment"},
    "plotly.delete_file": {"fid": "$grid"},
    "plotly.delete_grid": {"fid": "$grid"},
    "plotly.get_columns": {"fid": "$grid", "uids": ["beea45"]},
    "plotly.get_dash_app": {"fid": "$app"},
    "plotly.get_dashboard": {"fid": "$board"},
    "plotly.get_dashboard_schema": {},
    "plotly.get_file": {"fid": "$grid"},
    "plotly.get_file_content": {"fid": "$grid"},
    "plotly.get_folder": {},
    "plotly.get_grid": {"fid": "$grid"},
    "plotly.get_plot": {"fid": "$plot"},
    "plotly.get_plot_schema": {},
    "plotly.get_presentation": {"fid": "$talk"},
    "plotly.get_user": {},
    "plotly.list_dashboards": {},
    "plotly.list_endpoints": {},
    "plotly.list_feed": {},
    "plotly.list_files": {},
    "plotly.list_plots": {},
    "plotly.list_presentations": {},
    "plotly.list_users": {},
    "plotly.lookup_file": {"path": "signups"},
    "plotly.render_image": {"figure": DRAWN},
    "plotly.request": {"method": "POST", "path": "/folders", "json": {"path": "/by/hand"}},
    "plotly.restore_file": {"fid": "$trashed"},
    "plotly.search": {"q": "signups"},
    "plotly.trash_file": {"fid": "$grid"},
    "plotly.update_dash_app": {"fid": "$app", "fields": {"title": "T"}},
    "plotly.update_dashboard": {"fid": "$board", "filename": "renamed"},
    "plotly.update_file": {"fid": "$grid", "filename": "renamed"},
    "plotly.update_grid": {"fid": "$grid", "filename": "renamed"},
    "plotly.update_plot": {"fid": "$plot", **BARS},
    "plotly.update_presentation": {"fid": "$talk", "filename": "renamed"},
    "popily.add_source": {"title": "Second", "rows": ROWS},
    "popily.create_user": {"username": "bob"},
    "popily.customize_insight": {"insight_id": 2279000, "title": "T"},
    "popily.get_insight": {"insight_id": 2279000},
    "popily.get_source": {"source_id": "$source"},
    "popily.list_insights": {"source": "$source"},
    "popily.list_sources": {},
    "popily.list_users": {},
    "popily.request": {"method": "POST", "path": "/users/", "json": {"username": "by-hand"}},
    "populr.add_domain": {"domain": "second.example.com"},
    "populr.create_embed": {"source_html": "<b>second</b>"},
    "populr.create_pop": {"template_id": TEMPLATE, "name": "Second", "populate_tags": TAGS},
    "populr.create_tracer": {"pop_id": "$pop", "name": "second"},
    "populr.delete_background_image": {"asset_id": "$background"},
    "populr.delete_document": {"asset_id": "$document"},
    "populr.delete_domain": {"domain": "news.example.com"},
    "populr.delete_embed": {"asset_id": "$embed"},
    "populr.delete_image": {"asset_id": "$image"},
    "populr.delete_pop": {"pop_id": "$pop"},
    "populr.disable_collaboration": {"pop_id": "$pop"},
    "populr.enable_collaboration": {"pop_id": "$pop"},
    "populr.get_pop": {"pop_id": "$pop"},
    "populr.get_tracer": {"pop_id": "$pop", "tracer_id": "$tracer"},
    "populr.list_domains": {},
    "populr.list_pops": {},
    "populr.list_template_pops": {"template_id": TEMPLATE},
    "populr.list_templates": {},
    "populr.publish_pop": {"pop_id": "$pop"},
    "populr.request": {"method": "POST", "path": "/embeds", "json": {"source_html": "<i>by hand</i>"}},
    "populr.unpublish_pop": {"pop_id": "$published"},
    "populr.update_pop": {"pop_id": "$unfilled", "title": "T", "populate_tags": TAGS},
    "populr.upload_background_image": {"file": FILE},
    "populr.upload_document": {"file": FILE},
    "populr.upload_image": {"file": FILE},
    "state.delete": {"key": "k"},
    "state.set": {"key": "k", "value": 1},
    "tonalytica.archive_dashboard": {"dashboard_id": "$dashboard"},
    "tonalytica.archive_query": {"query_id": 17},
    "tonalytica.clone_dashboard": {"dashboard_id": "$dashboard", "name": "Copy"},
    "tonalytica.create_dashboard": {"name": "Second"},
    "tonalytica.create_query": {"name": "second", "query": "select 2", "data_source_id": 1},
    "tonalytica.execute_query": {"query_id": 17},
    "tonalytica.export_queries": {"directory": "$folder/queries"},
    "tonalytica.find_tables": {"data_source_id": 1},
    "tonalytica.get_cached_result": {"query_id": 18},
    "tonalytica.get_dashboard": {"dashboard_id": "$dashboard"},
    "tonalytica.get_job": {"job_id": "$job"},
    "tonalytica.get_query": {"query_id": 17},
    "tonalytica.get_result": {"query_result_id": 1},
    "tonalytica.list_dashboards": {},
    "tonalytica.list_queries": {},
    "tonalytica.request": {"method": "POST", "path": "/dashboards", "json": {"name": "By hand"}},
    "tonalytica.search_results": {"term": "Oslo"},
    "tonalytica.update_dashboard": {"dashboard_id": "$dashboard", "name": "Renamed"},
    "tonalytica.update_query": {"query_id": 17, "name": "Renamed"},
}  # fmt: skip


async def furnish_populr(act: Act, sandbox: Sandbox) -> dict[str, Any]:
    """Pops in each state, a tracer, an asset of each type, a domain."""
    filled = {"template_id": TEMPLATE, "populate_tags": TAGS}
    pop = await act("populr.create_pop", name="Offer for Ada", **filled)
    published = await act("populr.create_pop", name="Offer for Bob", slug="offer-for-bob", **filled)
    await act("populr.publish_pop", pop_id=published.id)
    unfilled = await act("populr.create_pop", name="To be filled", slug="to-be-filled", template_id=TEMPLATE)
    await act("populr.add_domain", domain="news.example.com")
    return {
        "anywhere": sandbox.urls["populr"] + "/embeds",
        "headers": {"Authorization": basic(sandbox.credentials["populr"]["api_key"], "")},
        "pop": pop.id,
        "published": published.id,
        "unfilled": unfilled.id,
        "tracer": (await act("populr.create_tracer", pop_id=pop.id, name="bob@example.com")).id,
        "document": (await act("populr.upload_document", file=FILE)).id,
        "image": (await act("populr.upload_image", file=FILE)).id,
        "background": (await act("populr.upload_background_image", file=FILE)).id,
        "embed": (await act("populr.create_embed", source_html="<p>Hello</p>")).id,
    }


async def furnish_popily(act: Act, sandbox: Sandbox) -> dict[str, Any]:
    """A source; its insights come with time."""
    return {
        "source": (await act("popily.add_source", title="Signups of 2025", rows=ROWS, columns=COLUMNS)).id
    }


async def furnish_compass(act: Act, sandbox: Sandbox) -> dict[str, Any]:
    """Something of each noun."""
    await act("compass.set_config", **PROJECT, key="assoc_axes", value=100)
    account = await act("compass.create_account", name="Sales")
    empty = await act("compass.create_account", name="Archive")
    await act("compass.create_user", name="Eve Adams", email="eve@example.com")
    await act(
        "compass.add_documents",
        **PROJECT,
        documents=[{"text": f"mail {n}", "label": ("billing", "delivery")[n % 2]} for n in range(20)],
    )
    by_topic = await act("compass.create_classifier", **PROJECT, name="by topic", type="topic_based")
    found = {
        "project": await act("compass.create_project", name="Letters", account=account.id, language="en")
    }
    found["classifier"] = await act("compass.create_classifier", **PROJECT, name="letters", type="voting")
    found["topic"] = await act(
        "compass.create_topic", **PROJECT, title="prices", info={"terms": {"price": 1.0}}
    )
    found["permission"] = await act(
        "compass.create_permission", user="eve@example.com", account=empty.id, level="read"
    )
    topic = {"classifier_id": str(by_topic.classifier.id), "name": "prices", "info": "price"}
    found["classifier_topic"] = await act("compass.create_classifier_topic", **PROJECT, **topic)
    await act("compass.post_messages", **PROJECT, messages=[{"text": "The price is good"}])
    (message,) = (await act("compass.list_messages", **PROJECT)).messages
    names = {
        "account": account.id,
        "empty_account": empty.id,
        "by_topic": str(by_topic.classifier.id),
        "message": str(message.id),
    }
    found["classifier"] = found["classifier"].classifier
    return {
        **{name: str(one.id) for name, one in found.items()},
        **names,
        "user": "eve@example.com",
        "me": sandbox.credentials["compass"]["username"],
        "password": sandbox.credentials["compass"]["password"],
    }


async def furnish_tonalytica(act: Act, sandbox: Sandbox) -> dict[str, Any]:
    """A dashboard, a job that was done and its result."""
    board = await act("tonalytica.create_dashboard", name="Signups")
    job = await act("tonalytica.execute_query", query_id=18)
    return {"dashboard": str(board.id), "job": job.job.id}


async def furnish_plotly(act: Act, sandbox: Sandbox) -> dict[str, Any]:
    """A file of each type."""
    grid = await act(
        "plotly.create_grid", filename="signups", rows=ROWS, metadata={"about": "signups by city"}
    )
    bars = {**filled(BARS, {"grid": grid.fid}), "world_readable": True}
    trashed = await act("plotly.create_grid", filename="signups of 2024", rows=ROWS)
    await act("plotly.trash_file", fid=trashed.fid)
    return {
        "grid": grid.fid,
        "trashed": trashed.fid,
        "plot": (await act("plotly.create_plot", filename="signups by city", **bars)).fid,
        "board": (await act("plotly.create_dashboard", filename="signups today", content=BOARD)).fid,
        "talk": (await act("plotly.create_presentation", filename="signups explained", content=BOARD)).fid,
        "app": (await act("plotly.create_dash_app", filename="visits")).fid,
        "comment": str((await act("plotly.create_comment", fid=grid.fid, comment="Oslo leads.")).id),
    }


FURNISH = {
    "populr": furnish_populr,
    "popily": furnish_popily,
    "compass": furnish_compass,
    "tonalytica": furnish_tonalytica,
    "plotly": furnish_plotly,
}


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """*value* with what ``$name`` stands for."""
    if isinstance(value, Mapping):
        return {key: filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    name, slash, rest = value[1:].partition("/")
    return f"{names[name]}/{rest}" if slash else names[name]
