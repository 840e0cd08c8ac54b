"""What all of Plotly's files share: meta data, trash, lookup, folders. Rows for ``plotly``."""

from functools import partial

from daemon.sandbox import exchange, plotly_shelf

TYPES = {"files": None, "grids": "grid", "plots": "plot", "folders": "fold"}
WRITABLE = ("world_readable", "share_key_enabled", "is_theme", "is_template")
PAGE_SIZE = 20


def rows(shelf: plotly_shelf.Shelf) -> list[exchange.Row]:
    """The same actions below each of files, grids, plots, folders; and folders of their own."""
    found: list[exchange.Row] = [
        ("POST", "/folders", partial(create_folder, shelf)),
        ("GET", "/folders/home", partial(list_folder, shelf)),
        ("GET", "/folders/all", partial(list_all, shelf)),
        ("POST", "/files/{}/copy", partial(copy_file, shelf)),
    ]
    for resource, filetype in TYPES.items():
        found += [
            ("GET", f"/{resource}/lookup", partial(lookup, shelf, filetype)),
            ("GET", f"/{resource}/{{}}", partial(get_file, shelf, filetype)),
            ("GET", f"/{resource}/{{}}/content", partial(get_content, shelf, filetype)),
            ("GET", f"/{resource}/{{}}/path", partial(get_path, shelf, filetype)),
            ("PUT", f"/{resource}/{{}}", partial(update_file, shelf, filetype)),
            ("PATCH", f"/{resource}/{{}}", partial(update_file, shelf, filetype)),
            ("POST", f"/{resource}/{{}}/trash", partial(trash_file, shelf, filetype)),
            ("POST", f"/{resource}/{{}}/restore", partial(restore_file, shelf, filetype)),
            ("DELETE", f"/{resource}/{{}}/permanent_delete", partial(delete_file, shelf, filetype)),
        ]
    return found


def get_file(shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """The file's meta data; a folder's children too."""
    file = shelf.file(ask, fid, filetype)
    told = plotly_shelf.meta(file, shelf.owned(ask))
    if file["filetype"] == "fold":
        told["children"] = page(ask, children(shelf, ask, plotly_shelf.idlocal(file)), f"folders/{fid}").body
    return exchange.Reply(200, told)


def get_content(
    shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str
) -> exchange.Reply:
    """A grid's columns with all their data, or a plot's figure."""
    file = shelf.file(ask, fid, filetype)
    if file["filetype"] == "fold":
        raise plotly_shelf.refuse(400, "Folders have no content.")
    if file["filetype"] == "plot":
        inline = plotly_shelf.truth(ask.query.get("inline_data"))
        return exchange.Reply(200, inlined(shelf, file["figure"]) if inline else file["figure"])
    if "content" in file:
        return exchange.Reply(200, file["content"])
    columns = file["columns"]
    cols = {c["name"]: {"data": c["data"], "order": n, "uid": c["uid"]} for n, c in enumerate(columns)}
    return exchange.Reply(200, {"cols": cols})


def inlined(shelf: plotly_shelf.Shelf, figure: exchange.Record) -> exchange.Record:
    """The figure with the data that its ``*src`` references name beside them."""
    columns = {
        f"{file['fid']}:{column['uid']}": column["data"]
        for file in shelf.files.values()
        for column in file.get("columns", [])
    }
    data = []
    for trace in figure["data"]:
        values = {k.removesuffix("src"): columns.get(v, []) for k, v in trace.items() if k.endswith("src")}
        data.append({**trace, **values})
    return {**figure, "data": data}


def get_path(shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """Where the file stands, from home down."""
    file = shelf.file(ask, fid, filetype)
    names = [file["filename"], *(folder["filename"] for folder in _way_up(shelf, file["parent"]))]
    return exchange.Reply(200, {"path": "/" + "/".join(reversed(names))})


def lookup(shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask) -> exchange.Reply:
    """The file at ``path``, from ``parent`` or home; 404 if there is none."""
    path = ask.query.get("path")
    if not path:
        raise plotly_shelf.refuse(400, "path is required.", "path")
    if ask.query.get("user") not in (None, "", shelf.username):
        raise plotly_shelf.refuse(404, "Not found.")
    parent = exchange.whole(ask.query.get("parent"), plotly_shelf.HOME)
    *folders, last = [part for part in path.split("/") if part] or [""]
    file: exchange.Record | None = None
    for name in [*folders, last]:
        file = shelf.at(parent, name)
        if file is None:
            raise plotly_shelf.refuse(404, "Not found.")
        parent = plotly_shelf.idlocal(file)
    assert file is not None  # noqa: S101 - the loop ran at least once
    found = shelf.file(ask, file["fid"], filetype)
    if plotly_shelf.truth(ask.query.get("exists")):
        return exchange.Reply(200, {"exists": True, "fid": found["fid"]})
    return exchange.Reply(200, plotly_shelf.meta(found, shelf.owned(ask)))


def update_file(
    shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str
) -> exchange.Reply:
    """Name, place and who may read; a plot's figure has a row of its own before this one."""
    file = shelf.file(ask, fid, filetype)
    body = ask.record()
    parent = shelf.parent_of(body) if {"parent", "parent_path"} & set(body) else file["parent"]
    if file in _way_up(shelf, parent):
        raise plotly_shelf.refuse(400, "A folder cannot stand in itself.", "parent")
    name = body.get("filename", file["filename"])
    if not isinstance(name, str) or not name or "/" in name:
        raise plotly_shelf.refuse(400, "Filenames are text without slashes.", "filename")
    other = shelf.at(parent, name)
    if other is not None and other is not file:
        raise plotly_shelf.taken(409, name)
    file.update({key: plotly_shelf.truth(body[key]) for key in WRITABLE if key in body})
    file.update(parent=parent, filename=name, date_modified=shelf.stamp())
    if file["filetype"] == "grid" and isinstance(body.get("metadata"), dict):
        file["metadata"] = body["metadata"]
    return exchange.Reply(200, plotly_shelf.meta(file), "file.updated", fid)


def trash_file(
    shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str
) -> exchange.Reply:
    """Recoverable; its name is free again."""
    file = shelf.file(ask, fid, filetype)
    file["deleted"] = True
    return exchange.Reply(200, plotly_shelf.meta(file), "file.trashed", fid)


def restore_file(
    shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str
) -> exchange.Reply:
    """Back where it stood, unless another file has its name now."""
    file = shelf.file(ask, fid, filetype)
    other = shelf.at(file["parent"], file["filename"])
    if other is not None and other is not file:
        raise plotly_shelf.taken(409, file["filename"])
    file["deleted"] = False
    return exchange.Reply(200, plotly_shelf.meta(file), "file.restored", fid)


def delete_file(
    shelf: plotly_shelf.Shelf, filetype: str | None, ask: exchange.Ask, fid: str
) -> exchange.Reply:
    """For good, and only from the trash; a folder with all that stands in it."""
    file = shelf.file(ask, fid, filetype)
    if not file["deleted"]:
        raise plotly_shelf.refuse(400, "Only files in the trash can be deleted permanently.")
    _remove(shelf, file)
    return exchange.Reply(204, None, "file.deleted", fid)


def copy_file(shelf: plotly_shelf.Shelf, ask: exchange.Ask, fid: str) -> exchange.Reply:
    """The same content under another name (action named on the vendor's page, its body assumed)."""
    file = shelf.file(ask, fid)
    parent = shelf.parent_of(ask.record())
    name = shelf.check_name(ask.record(), parent, file["filetype"])
    own = {key: file[key] for key in ("columns", "figure", "content") if key in file}
    copy = shelf.keep(file["filetype"], name, parent, file, **own)
    return exchange.Reply(201, {"file": plotly_shelf.meta(copy)}, "file.created", copy["fid"])


def create_folder(shelf: plotly_shelf.Shelf, ask: exchange.Ask) -> exchange.Reply:
    """``path``, as deep as it likes; what is missing on the way is made, the last one must be new."""
    body = ask.record()
    names = [part for part in str(body.get("path") or "").split("/") if part]
    if not names:
        raise plotly_shelf.refuse(400, "path is required.", "path")
    parent = shelf.parent_of({"parent": body.get("parent")})
    made: exchange.Record | None = None
    for name in names:
        folder, made = shelf.at(parent, name), None
        if folder is None:
            folder = made = shelf.keep("fold", name, parent, body)
        if folder["filetype"] != "fold":
            raise plotly_shelf.taken(400, name)
        parent = plotly_shelf.idlocal(folder)
    if made is None:
        raise plotly_shelf.refuse(400, f"The folder '{names[-1]}' already exists.", "path")
    return exchange.Reply(201, plotly_shelf.meta(made), "folder.created", made["fid"])


def list_folder(shelf: plotly_shelf.Shelf, ask: exchange.Ask) -> exchange.Reply:
    """What stands in no folder, trashed files too, which say so."""
    found = children(shelf, ask, plotly_shelf.HOME)
    return exchange.Reply(200, {"children": page(ask, found, "folders/home").body})


def list_all(shelf: plotly_shelf.Shelf, ask: exchange.Ask) -> exchange.Reply:
    """Every file of the user."""
    found = children(shelf, ask, None)
    return exchange.Reply(200, {"children": page(ask, found, "folders/all").body})


def children(shelf: plotly_shelf.Shelf, ask: exchange.Ask, parent: int | None) -> list[exchange.Record]:
    """The meta data of what whoever asks may see in a folder (None: anywhere)."""
    owned = shelf.owned(ask)
    return [
        plotly_shelf.meta(file, owned)
        for file in shelf.files.values()
        if parent in (None, file["parent"])
        and (owned or (file["world_readable"] and not file["deleted"]))
        and (not ask.query.get("filetype") or ask.query["filetype"] == file["filetype"])
    ]


def page(ask: exchange.Ask, items: list[exchange.Record], path: str) -> exchange.Reply:
    """``count next previous first last results``; addresses are absolute and name another host."""
    size = exchange.whole(ask.query.get("page_size"), PAGE_SIZE)
    number = exchange.whole(ask.query.get("page"), 1)
    last = max(1, -(-len(items) // max(1, size)))
    if size < 1 or not 1 <= number <= last:
        raise plotly_shelf.refuse(404, "Invalid page.")

    def link(wanted: int) -> str:
        return f"{plotly_shelf.API}/{path}?page={wanted}&page_size={size}"

    body = {
        "count": len(items),
        "next": link(number + 1) if number < last else None,
        "previous": link(number - 1) if number > 1 else None,
        "first": link(1),
        "last": link(last),
        "results": items[(number - 1) * size : number * size],
    }
    return exchange.Reply(200, body)


def _remove(shelf: plotly_shelf.Shelf, file: exchange.Record) -> None:
    number = plotly_shelf.idlocal(file)
    for below in [other for other in shelf.files.values() if other["parent"] == number]:
        _remove(shelf, below)
    del shelf.files[file["fid"]]


def _way_up(shelf: plotly_shelf.Shelf, parent: int) -> list[exchange.Record]:
    """The folders from number *parent* up to home."""
    folders = []
    while parent != plotly_shelf.HOME:
        folders.append(shelf.files[f"{shelf.username}:{parent}"])
        parent = folders[-1]["parent"]
    return folders
