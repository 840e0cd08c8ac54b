"""Populr's assets: documents, images, background images (multipart) and embeds (JSON).

Rows for ``populr``; ``populr_pops`` places them in regions.
"""

from functools import partial

from daemon.sandbox import exchange, populr_group

FAMILIES = {
    "documents": "document",
    "images": "image",
    "background_images": "background_image",
    "embeds": "embed",
}


def rows(group: populr_group.Group) -> list[exchange.Row]:
    """Four families with the same paths."""
    found: list[exchange.Row] = []
    for family, kind in FAMILIES.items():
        create = create_embed if kind == "embed" else create_upload
        found += [
            ("GET", f"/{family}", partial(list_assets, group, kind)),
            ("POST", f"/{family}", partial(create, group, kind)),
            ("GET", f"/{family}/{{}}", partial(get_asset, group, kind)),
            ("DELETE", f"/{family}/{{}}", partial(delete_asset, group, kind)),
        ]
    return found


def shown(asset: exchange.Record) -> exchange.Record:
    """The asset as the API tells it: the type is the path it is found under; name and size of a file are for the
    control API's state alone."""
    return {k: v for k, v in asset.items() if k not in ("type", "filename", "size")}


def find(group: populr_group.Group, kind: str, asset_id: str) -> exchange.Record:
    """The asset of that kind, or 404."""
    mine = {key: asset for key, asset in group.assets.items() if asset["type"] == kind}
    return group.found(mine, asset_id, kind)


def list_assets(group: populr_group.Group, kind: str, ask: exchange.Ask) -> exchange.Reply:
    """Newest first. (Not in the document; the vendor's Ruby client has it for every collection.)"""
    mine = [asset for asset in reversed(group.assets.values()) if asset["type"] == kind]
    return exchange.Reply(200, [shown(asset) for asset in populr_group.window(ask, mine)])


def get_asset(group: populr_group.Group, kind: str, ask: exchange.Ask, asset_id: str) -> exchange.Reply:
    """One asset."""
    return exchange.Reply(200, shown(find(group, kind, asset_id)))


def delete_asset(group: populr_group.Group, kind: str, ask: exchange.Ask, asset_id: str) -> exchange.Reply:
    """Gone; a second time is 404."""
    find(group, kind, asset_id)
    del group.assets[asset_id]
    return exchange.Reply(200, {}, f"{kind}.deleted", asset_id)


def create_upload(group: populr_group.Group, kind: str, ask: exchange.Ask) -> exchange.Reply:
    """A multipart POST with a ``file`` part, or ``file_upload_required``."""
    if "file" not in ask.files:
        text = "You must submit a multi-part form POST with a 'file' key to create an asset."
        raise populr_group.refusal(400, "file_upload_required", text)
    given, file = dict(ask.fields), ask.files["file"]
    link = given.get("link") if kind == "image" else None
    told = {"title": given.get("title", ""), "description": given.get("description"), "link": link}
    return _keep(group, kind, {**told, "filename": file.filename, "size": file.size})


def create_embed(group: populr_group.Group, kind: str, ask: exchange.Ask) -> exchange.Reply:
    """JSON with ``source_html``."""
    body = populr_group.body(ask)
    html = populr_group.required(body, "source_html")
    for name in ("title", "description"):
        if not isinstance(body.get(name), str | None):
            raise populr_group.refusal(400, "request.validation", f"{name} must be a string.")
    title, description = body.get("title") or "", body.get("description")
    return _keep(group, kind, {"title": title, "description": description, "source_html": html})


def _keep(group: populr_group.Group, kind: str, given: exchange.Record) -> exchange.Reply:
    asset_id = group.new_id()
    asset: exchange.Record = {
        "_id": asset_id,
        "asset_id": asset_id,
        "description": None,
        "link": None,
        "title": "",
        "upload_identifier": None,
        **given,
        "type": kind,
    }
    group.assets[asset_id] = asset
    return exchange.Reply(200, shown(asset), f"{kind}.created", asset_id)
