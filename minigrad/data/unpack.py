"""Unpack a tar archive without trusting it.

An archive can name files outside the folder that it is unpacked into, link to them, or grow to fill the
disk. Each member is checked before a byte of it is written, and files are moved into place only when all
are there.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from minigrad.serialize import FileFormatError

# Python's own filter is a second check behind ours; Pythons from before the summer of 2023 lack it.
_FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def unpack_tar(archive: Path, folder: Path, max_bytes: int) -> None:
    """Unpack an archive into a folder. Files that are there already are left alone.

    Parameters
    ----------
    archive
        A gzipped tar file.
    folder
        Where its files go.
    max_bytes
        How large they may be, all together.

    Raises
    ------
    FileFormatError
        If the archive is broken, too large, or holds anything but plain files and folders, each of which
        stays below the folder. Nothing of it is kept then.
    """
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=folder) as temporary:
        try:
            _extract(archive, temporary, max_bytes)
        except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
            raise FileFormatError(
                f"{archive} can't be unpacked: {error}. Nothing of it was kept. "
                "Delete it and call again, to download it anew"
            ) from error
        for source in sorted(Path(temporary).rglob("*")):
            target = folder / source.relative_to(temporary)
            if source.is_dir():
                target.mkdir(exist_ok=True)
            elif not target.exists():
                os.replace(source, target)


def _extract(archive: Path, folder: str, max_bytes: int) -> None:
    total = 0
    with tarfile.open(archive, "r:gz") as tar:
        # One member at a time: the list of a hostile archive's members could itself be endless.
        while (member := tar.next()) is not None:
            _check(member)
            total += member.size
            if total > max_bytes:
                raise ValueError(f"its files are larger than the {max_bytes:,} bytes that they may be")
            tar.extract(member, folder, set_attrs=False, **_FILTER)


def _check(member: tarfile.TarInfo) -> None:
    """Refuse a member that is no plain file or folder, or whose place is elsewhere."""
    name = member.name
    if not (member.isdir() or (member.isreg() and not member.issparse())):
        raise ValueError(f"its member {name!r} is a link or a device, and only files and folders are allowed")
    if member.size < 0:
        raise ValueError(f"its member {name!r} claims {member.size} bytes")
    # Both systems' rules, on both systems: an archive that is dangerous on one is not worth trusting.
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    inside = not (posix.is_absolute() or windows.drive or windows.root)
    if not inside or ".." in posix.parts or ".." in windows.parts or ":" in name:
        raise ValueError(f"its member {name!r} would be written outside the folder")
