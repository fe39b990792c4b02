"""Files that are there whole or not at all, and places that are tried before any work is done."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

if sys.platform != "win32":
    import fcntl

#: What files are called while they are written. (Not after their target: a long name has no room for more.)
_UNFINISHED = ".{}.minigrad.tmp"
#: Where a file can't be held (on Windows), one that nobody has written to for so many seconds is nobody's.
_FORGOTTEN = 3600.0


def path_of(f: Any, or_else: str = "") -> str:
    """A path as text; ``or_else`` is what else could stand there.

    Raises
    ------
    TypeError
        If it is no path.
    """
    if not isinstance(f, (str, bytes, os.PathLike)):
        raise TypeError(f"a path is wanted here{or_else}, and not a {type(f).__name__}")
    return os.fsdecode(f)


def write_whole(f: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside its place, and then move it there: so there is never a part of it.

    A file that is there keeps its owner and its mode. A device or a pipe is no place to move to, and is written to.
    What a killed process has left unfinished in this folder is removed.

    Parameters
    ----------
    f
        The file's path. Through a symbolic link: what it points to is replaced, and not the link.
    content
        All of it.

    Raises
    ------
    IsADirectoryError, FileNotFoundError, PermissionError
        For a folder, where there is no folder, and where it, or the file itself, is not to be written to.
    TypeError
        For what is no path.
    """
    name = path_of(f)
    if os.path.exists(name) and not os.path.isfile(name) and not os.path.isdir(name):
        with open(name, "wb") as device:
            device.write(content)
        return
    path = Path(os.path.realpath(name))
    _check_place(name, path)
    _sweep(path.parent)
    file = _unfinished(path)
    temporary = Path(file.name)
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                _take_over(path, temporary)
            if sys.platform != "win32":
                os.replace(temporary, path)  # (as long as it is held)
        if sys.platform == "win32":
            os.replace(temporary, path)  # an open file can't be moved there
    finally:
        temporary.unlink(missing_ok=True)


def write_new(contents: Mapping[Path, bytes]) -> None:
    """Write files that are not there yet, all of them or none.

    Raises
    ------
    ValueError
        If one is there already: what is in it is never written over.
    """
    there = [str(path) for path in contents if path.exists()]
    if there:
        raise ValueError(f"{' and '.join(there)}: there already, and left as it is; choose another folder")
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
    except BaseException:  # a full disk, Ctrl-C: what is there by then would forbid a second try
        for path in contents:
            path.unlink(missing_ok=True)
        raise


def _check_place(name: str, path: Path) -> None:
    """Say what is wrong with a place, before anything is written."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file in it")
    if name.endswith(("/", os.sep)):
        raise FileNotFoundError(f"can't save {name}: there is no folder of this name")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"can't save {path}: there is no folder {path.parent}")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"can't save {path}: the file is write-protected")


def _unfinished(path: Path) -> BinaryIO:
    """A new file beside the path, held by this process for as long as it is open."""
    while True:
        temporary = path.with_name(_UNFINISHED.format(secrets.token_hex(4)))
        try:
            file = open(temporary, "xb")  # noqa: SIM115  (the caller closes it)
        except OSError as error:
            kind = type(error)  # PermissionError, FileNotFoundError in /proc...
            raise kind(f"can't save {path}: no file can be made in {path.parent} ({error.strerror})") from None
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # some network folders can't
                fcntl.flock(file, fcntl.LOCK_EX)  # held until it is closed, or this process ends
        if temporary.exists():
            return file
        file.close()  # swept away in the moment before it was held


def _sweep(folder: Path) -> None:
    """Remove what killed processes have left unfinished: nobody holds it."""
    for left in folder.glob(_UNFINISHED.format("*")):
        with contextlib.suppress(OSError):  # it is held, or gone meanwhile
            if sys.platform != "win32":
                with open(left, "r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    left.unlink()
            elif time.time() - left.stat().st_mtime > _FORGOTTEN:
                left.unlink()


def _take_over(old: Path, new: Path) -> None:
    """Give a new file the owner and the mode of the old one; the owner only where this is allowed."""
    status = old.stat()
    if sys.platform != "win32":
        with contextlib.suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)
    new.chmod(status.st_mode & 0o7777)


def folder_to_write(name: str | os.PathLike[str]) -> Path:
    """A folder that files can go into, before any work is done; it is made if it isn't there.

    Raises
    ------
    ValueError
        If there is a file of that name, or it can't be written to.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{folder}: files can't go there ({error.strerror or error})") from None
    return folder


def file_to_write(name: str | os.PathLike[str]) -> Path:
    """A file that can be written, before any work is done; its folder is made if it isn't there.

    Raises
    ------
    ValueError
        If there is a folder of that name, or it can't be written to.
    """
    path = Path(name)
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file in it")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise ValueError(f"{path} is write-protected: give another name")
        if not path.is_file():  # a device, a pipe
            return path
    return folder_to_write(path.parent) / path.name
