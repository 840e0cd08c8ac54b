"""Which files of this machine an action may send: the operator's own, and those below ``[daemon] read_below``.

A path that stands in the config is the operator's word (``own_paths``). Any other came out of a template, and whoever
sends an event may have chosen it. ``files`` opens each file of a call here, ``checking`` warns of templates that could
only be refused.
"""

import errno
import os
import stat
from collections.abc import Sequence
from typing import BinaryIO

from daemon.contract import errors, own_paths

NOWHERE = "[daemon] read_below names no folder"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Opening a pipe would wait for a writer; a link that was put there since the path was resolved leads nowhere.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def open_path(path: str, roots: Sequence[str]) -> BinaryIO:
    """The file at *path*, the operator's own, or below one of *roots* or of the folders that the step's own templates
    begin with. Blocks; call it where the call is made.

    :class:`~daemon.contract.errors.PermanentError` where it may not or cannot be read, or is no file to be read to an
    end.
    """
    try:
        own = own_paths.present()
        opened = os.open(path, _PLAIN) if path in own.whole else _open_below(path, (*roots, *own.folders))
    except OSError as broken:
        raise errors.PermanentError(f"cannot read the file {path}: {broken.strerror}") from None
    except ValueError:  # a NUL in the path
        raise errors.PermanentError("cannot read the file: its path is no path") from None
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise errors.PermanentError(f"cannot read the file {path}: it is no regular file")
    return os.fdopen(opened, "rb")


def _open_below(path: str, roots: Sequence[str]) -> int:
    """The descriptor of *path* below one of *roots*, links and ``..`` resolved; relative, it is below the first.

    What is refused is refused alike whether it exists or not: an error tells nobody what lies on the disk.
    """
    if not roots:
        raise _refused(path, NOWHERE, "Name one there, or begin the path with its folder.")
    real = os.path.realpath(os.path.join(roots[0], path))
    within = [root for root in map(os.path.realpath, roots) if real.startswith(f"{root}/")]
    if not within:
        raise _refused(path, f"it is not below a folder that [daemon] read_below names ({', '.join(roots)})")
    root = max(within, key=len)
    return _walk(root, real[len(root) + 1 :].split("/"))


def _refused(path: str, why: str, help: str = "") -> errors.PermanentError:
    said = f"the file {path} was named by a template, and {why}"
    return errors.PermanentError(f"{said}. {help}" if help else said)


def _walk(root: str, parts: Sequence[str]) -> int:
    """Open the file at *parts* below *root*, each folder from the one above it: no link is followed any more."""
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            above, folder = folder, os.open(part, _FOLDER, dir_fd=folder)
            os.close(above)
        return os.open(parts[-1], _FILE, dir_fd=folder)
    except OSError as broken:
        if broken.errno in (errno.ELOOP, errno.ENOTDIR):
            raise OSError(broken.errno, "a part of it is a symbolic link, or no folder") from None
        raise
    finally:
        os.close(folder)
