"""Where actions may write on this machine, and how: where the config says so itself (``own_paths``) or below the
operator's ``write_below``, a file whole or not at all.

``app`` hands the folders to the general actions, ``checking`` asks :func:`find_place` what can be seen beforehand.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daemon.contract import errors, own_paths
from daemon.contract.own_paths import OwnPaths

LONGEST_NAME = 255  # bytes of one part of a path, on every common file system
PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Place:
    """A file to be: *root* is one of the allowed folders, *parts* the way from there, the file's name last. A root that
    the step itself names (*own*) is made where it is missing."""

    root: str
    parts: tuple[str, ...]
    own: bool = False

    @property
    def path(self) -> str:
        """The whole path."""
        return "/".join((self.root.rstrip("/"), *self.parts))


def check_root(text: str) -> str:
    """*text* as a folder that may be allowed, without a trailing slash; :class:`ValueError` for anything else."""
    clean = text.rstrip("/")
    if not text.startswith("/") or not clean or any(part in ("", ".", "..") for part in clean[1:].split("/")):
        raise ValueError(
            "a folder is written from the root on, as in /var/lib/pointsman/out, and is not / itself"
        )
    return clean


def find_place(path: str, roots: Sequence[str], own: OwnPaths = own_paths.NONE) -> Place:
    """Where *path* leads: where the config says it itself (*own*), below the one of *roots* that it begins with, or,
    if it is relative, below the first of those.

    :class:`ValueError` says why it may not be written. Nothing is looked at: links are refused while writing.
    """
    named = {path.rpartition("/")[0]} if path in own.whole and path.startswith("/") else set()
    mine = sorted({*named, *own.folders} - {""})
    if path.startswith("/"):
        fitting = [one for one in (*roots, *mine) if path.startswith(f"{one}/")]
        if not fitting:
            raise ValueError(_outside(roots))
        root = max(fitting, key=len)
        rest = path[len(root) + 1 :]
    elif roots:
        root, rest = roots[0], path
    else:
        raise ValueError(
            "a relative path is below the first folder of [daemon] write_below, which names none"
        )
    parts = tuple(rest.split("/"))
    for part in parts:
        if part in ("", ".", ".."):
            raise ValueError("no part of a path is empty, . or ..")
        if not part.isprintable() or len(os.fsencode(part)) > LONGEST_NAME:
            raise ValueError("a part of it holds a control character, or is too long for a name")
    return Place(root, parts, own=root in mine)


def _outside(roots: Sequence[str]) -> str:
    named = f"names ({', '.join(roots)})" if roots else "names: none"
    return f"it does not begin with a folder in the config, nor is it below one that [daemon] write_below {named}"


def write(place: Place, content: bytes) -> None:
    """Put *content* at *place*, in the stead of what was there; missing folders are made. Blocks.

    Readers see the old file or the new one, whole, a power cut included. No symbolic link is followed below the
    root: each folder is opened from the one above it. :class:`~daemon.contract.errors.TemporaryError` for a full
    disk, :class:`~daemon.contract.errors.PermanentError` for what will not go better by itself.
    """
    try:
        with _opened(place) as folder:
            _refuse_odd_target(folder, place)
            _replace(folder, place.parts[-1], content)
    except OSError as broken:
        raise _sorted_out(place, broken) from None


@contextlib.contextmanager
def _opened(place: Place) -> Iterator[int]:
    """The open folder of *place*. A root of ``write_below`` must exist: the operator may have meant a mount."""
    if place.own:
        os.makedirs(place.root, exist_ok=True)
    with contextlib.ExitStack() as held:
        folder = os.open(place.root, _FOLDER)
        held.callback(os.close, folder)
        for part in place.parts[:-1]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o777, dir_fd=folder)
                os.fsync(folder)
            folder = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            held.callback(os.close, folder)
        yield folder


def _refuse_odd_target(folder: int, place: Place) -> None:
    """Only a plain file is replaced: whoever put a link, a folder or a device there meant something by it."""
    try:
        found = os.stat(place.parts[-1], dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no plain file"
        raise errors.PermanentError(f"{place.path} is {what}, and is left as it is")


def _replace(folder: int, name: str, content: bytes) -> None:
    new = f".pointsman-{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(new, _NEW, 0o666, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new, dir_fd=folder)
        raise
    os.fsync(folder)


def _sorted_out(place: Place, broken: OSError) -> errors.ServiceError:
    said = f"cannot write {place.path}: {broken.strerror}"
    if broken.errno in PASSING:
        return errors.TemporaryError(said)
    if broken.errno in (errno.ELOOP, errno.ENOTDIR):
        return errors.PermanentError(f"{said}. A part of it is a symbolic link, or no folder.")
    return errors.PermanentError(said)
