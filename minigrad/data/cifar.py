"""Read CIFAR-10's binary archive: no pickle, and nothing of it is unpacked onto the disk.

A batch file in it is a row of records, each a byte for the label and 3 * 32 * 32 for the pixels: the red plane,
then the green one, then the blue one.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minigrad.serialize import FileFormatError

_PIXELS = 3 * 32 * 32
_RECORD = 1 + _PIXELS


def read_archive(
    path: Path, names: Iterable[str], images_each: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Read the images and labels of some of the archive's batch files, in the order of ``names``.

    Parameters
    ----------
    path
        The gzipped tar file.
    names
        The batch files in it, such as ``cifar-10-batches-bin/data_batch_1.bin``.
    images_each
        How many images each of them must have.

    Returns
    -------
    images, labels
        Arrays of shapes (N, 3, 32, 32) and (N,).

    Raises
    ------
    FileFormatError
        If the archive is broken, or a batch file is missing in it or is none.
    """
    wanted = dict.fromkeys(names, b"")
    try:
        with tarfile.open(path, "r:gz") as archive:
            # One member after the other, since a gzipped file can't be entered in its middle.
            for member in archive:
                if member.name in wanted:
                    wanted[member.name] = _content(archive, member, images_each)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise _broken(path, str(error)) from error
    missing = [name for name, content in wanted.items() if not content]
    if missing:
        raise _broken(path, f"it lacks {', '.join(missing)}")
    records = np.frombuffer(b"".join(wanted.values()), np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise _broken(path, f"a label in it is {labels.max()}, and they go from 0 to 9")
    return np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32), labels


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, images: int) -> bytes:
    file = archive.extractfile(member) if member.isreg() else None
    # The size is looked at first: a hostile archive can claim more than the memory holds.
    if file is None or member.size != images * _RECORD:
        raise ValueError(f"its {member.name} is no file of {images * _RECORD:,} bytes")
    with file:
        return file.read()


def _broken(path: Path, why: str) -> FileFormatError:
    return FileFormatError(
        f"{path} is no binary archive of CIFAR-10: {why}. Delete it and call again, to download it anew"
    )
