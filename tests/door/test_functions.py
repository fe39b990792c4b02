"""Every public function and method, called with what nobody should give.

There is no raw error, and nothing is accepted that PyTorch refuses, but for reasons that are listed.
"""

from __future__ import annotations

import pytest

import minigrad as mg

from . import hostile, peer, valid

FUNCTIONS = {**valid.functions(), **valid.methods()}


@pytest.fixture(autouse=True)
def _leave_no_trace(tmp_path, monkeypatch):
    """What is set for the whole process is set back; what is written goes to a directory of the test's."""
    monkeypatch.chdir(tmp_path)
    dtype, threads = mg.get_default_dtype(), mg.get_num_threads()
    yield
    mg.set_default_dtype(dtype)
    mg.set_num_threads(threads)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_raw_error(name):
    function = FUNCTIONS[name]
    arguments = valid.arguments_of(name.partition(".")[2], function)
    assert arguments is not None, "no valid call was found: write one into valid.BY_HAND"
    valid.call(function, arguments)  # is valid, so that no complaint is about something else
    found = hostile.complaints(function, arguments)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_pytorch_refuses_is_refused(name):
    torch = pytest.importorskip("torch")
    function = FUNCTIONS[name]
    found = peer.looser(torch, name, function, valid.arguments_of(name.partition(".")[2], function))
    assert not found, f"minigrad accepts and PyTorch doesn't: {', '.join(found)}"
