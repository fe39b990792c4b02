"""Make ``minigrad/data/brain.npz`` again, from the wheel of nilearn (0.14), which any index of Python packages has.

    pip download --no-deps nilearn==0.14.1
    python tools/make_brain.py nilearn-0.14.1-py3-none-any.whl

Reads the ICBM 152 average T1 and its maps of grey and white matter, takes 32 axial slices 3 mm apart at half
resolution, and labels each pixel by what it most likely is. ``BRAIN_LICENSE.txt`` names source and licence.
"""

from __future__ import annotations

import gzip
import os
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

PREFIX = "nilearn/datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
TARGET = Path(__file__).resolve().parents[1] / "minigrad" / "data" / "brain.npz"
FIRST, COUNT, STEP, SIZE = 42, 32, 3, 96


def volume(wheel: zipfile.ZipFile, kind: str) -> npt.NDArray[np.uint8]:
    """Read a NIfTI-1 volume of bytes: its shape stands at byte 40 of the header, its kind at 70, its start at 108."""
    raw = gzip.decompress(wheel.read(PREFIX.format(kind)))
    rank, *shape = struct.unpack_from("<4h", raw, 40)
    (code,) = struct.unpack_from("<h", raw, 70)
    (start,) = struct.unpack_from("<f", raw, 108)
    if (rank, code) != (3, 2):
        raise SystemExit(f"{kind}: expected 3 dimensions of bytes, found {rank} of kind {code}")
    return np.frombuffer(raw, np.uint8, int(np.prod(shape)), int(start)).reshape(shape, order="F")


def slices(x: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Axial slices at half resolution, nose up, cut or padded to SIZE x SIZE."""
    y = x[:, :, FIRST : FIRST + STEP * COUNT : STEP].astype(np.float64).transpose(2, 1, 0)[:, ::-1]
    y = y[:, : y.shape[1] // 2 * 2, : y.shape[2] // 2 * 2]
    y = y.reshape(len(y), y.shape[1] // 2, 2, y.shape[2] // 2, 2).mean((2, 4))
    top, left = ((n - SIZE) // 2 for n in y.shape[1:])
    y = y[:, max(top, 0) :, max(left, 0) :][:, :SIZE, :SIZE]
    missing = [SIZE - n for n in y.shape[1:]]
    return np.pad(y, [(0, 0), *((n // 2, n - n // 2) for n in missing)])


def main(path: str) -> None:
    """Read the wheel, write the archive to a temporary name, and move it."""
    with zipfile.ZipFile(path) as wheel:
        t1, grey, white = (volume(wheel, kind) for kind in ("t1", "gm", "wm"))
    brain = 255 * slices((t1 > 0).astype(np.uint8))
    g, w = slices(grey), slices(white)
    labels = np.argmax([255 - brain, brain - g - w, g, w], 0)  # outside, other (fluid), grey, white
    labels = np.array([0, 0, 1, 2], np.uint8)[labels]
    temporary = TARGET.with_name(".brain-new.npz")
    np.savez_compressed(temporary, images=np.rint(slices(t1)).astype(np.uint8), labels=labels)
    os.replace(temporary, TARGET)
    shares = ", ".join(f"{share:.1%}" for share in np.bincount(labels.ravel()) / labels.size)
    print(f"{TARGET}: {TARGET.stat().st_size // 1000} kB, {labels.shape}; background, grey, white: {shares}")


if __name__ == "__main__":
    main(sys.argv[1])
