"""NumPy's floating-point warnings, off for a while: an infinite gradient is quiet, as in PyTorch.

This is ``np.errstate(all="ignore")`` in one single step of a debugger: the class itself takes eighteen, which a
learner would meet before the first rule of every pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class _ByErrstate:
    """The same by NumPy's public functions."""

    def set(self, ignored: Any) -> Any:
        """Switch the warnings off; what is returned switches back."""
        return np.seterr(all="ignore")

    def reset(self, before: Any) -> None:
        """Switch back."""
        np.seterr(**before)


#: ``token = warnings.set(OFF)`` and later ``warnings.reset(token)``.
warnings: Any
OFF: Any
try:
    from numpy._core.umath import _extobj_contextvar as warnings
    from numpy._core.umath import _make_extobj

    OFF = _make_extobj(all="ignore")
except ImportError:  # they are NumPy's own, and may move
    warnings, OFF = _ByErrstate(), None
