"""Every public function, called with what nobody should give: no raw error, and none accepted that PyTorch refuses."""

from __future__ import annotations

import pytest

from . import hostile, valid

FUNCTIONS = valid.functions()

#: Files that are still to be mended, one by one; the list goes when it is empty.
_OPEN = """
activation arithmetic attention classification creation curved draws dropout elementwise
embedding extremes gather grid index inplace join linalg loss margin_loss norm
nothing other_norms pad pick_pool pieces piecewise pool power products put rearrange reduce
resample rounding select shape shuffle softmax sort statistics tensor threads trigonometry vector_norm
walk
random gradient_check gradients autograd serialize
"""
OPEN = _OPEN.split()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_raw_error(name):
    function = FUNCTIONS[name]
    if function.__module__.rpartition(".")[2] in OPEN:
        pytest.xfail("still open")
    arguments = valid.arguments_of(name.partition(".")[2], function)
    assert arguments is not None, "no valid call was found: write one into valid.BY_HAND"
    found = hostile.complaints(function, arguments)
    assert not found, "\n" + "\n".join(found)
