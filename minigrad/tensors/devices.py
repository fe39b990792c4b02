"""The one device, the CPU, under PyTorch's names."""

from __future__ import annotations

from typing import Any

from minigrad import arguments


class device:
    """A device by name; only ``"cpu"`` exists.

    Raises
    ------
    RuntimeError
        For any other device.
    """

    type = "cpu"
    index = None

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        check_device(type)
        if index is not None:
            arguments.integer("device", "index", index, least=0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) or other == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"


def check_device(name: Any) -> None:
    """Accept the CPU, under any of its spellings, and nothing else."""
    if name is None or isinstance(name, device) or str(name) in ("cpu", "cpu:0"):
        return
    if not isinstance(name, (str, int)) and type(name).__name__ != "device":  # (another library's device)
        raise arguments.wrong_kind("device", "its name", "'cpu'", name)
    raise RuntimeError(
        f"device {name!r} isn't there: minigrad runs on the CPU only. Pass device='cpu', or leave it out"
    )


CPU = device()
