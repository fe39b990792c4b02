"""Where in the user's code was this node made?

A node remembers the frame's code object and instruction, which costs a fraction of a microsecond;
the line is only looked up when someone asks for it.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType
from typing import Any, NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class _IsOurs(dict[str, bool]):
    """For each file name that came up, whether it is one of the package's."""

    def __missing__(self, filename: str) -> bool:
        ours = self[filename] = os.path.abspath(filename).startswith(_PACKAGE)
        return ours


_is_ours = _IsOurs()

Place = tuple[CodeType, int]


class SourceLine(NamedTuple):
    """A line of the user's code."""

    filename: str
    lineno: int
    function: str

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the source can't be had."""
        return linecache.getline(self.filename, self.lineno).strip()

    def __str__(self) -> str:
        text = self.text
        return f"{self.filename}:{self.lineno}" + (f": {text}" if text else "")


def is_ours(function: Any) -> bool:
    """Whether a function's code is the package's: what a user's decorator wraps is not, whatever its name."""
    code = getattr(function, "__code__", None)
    return code is not None and _is_ours[code.co_filename]


def user_place(depth: int = 2) -> Place | None:
    """Return the innermost place outside minigrad on the call stack, from ``depth`` calls above on."""
    # Python makes an object for each frame that is looked at, which costs more than all else here.
    try:
        frame: FrameType | None = sys._getframe(depth)
    except ValueError:  # the stack isn't that deep
        return None
    while frame is not None:
        code = frame.f_code
        if not _is_ours[code.co_filename]:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def user_frame() -> FrameType | None:
    """The innermost frame that is outside minigrad."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours[frame.f_code.co_filename]:
        frame = frame.f_back
    return frame


def source_line(place: Place | None) -> SourceLine | None:
    """Look up the line of a place."""
    if place is None:
        return None
    code, instruction = place
    lineno = code.co_firstlineno
    for start, stop, line in code.co_lines():
        if start <= instruction < stop and line is not None:
            lineno = line
    return SourceLine(code.co_filename, lineno, code.co_name)


def user_line() -> SourceLine | None:
    """The user's line that is running now."""
    return source_line(user_place())
