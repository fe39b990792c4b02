"""How many specialisations of the kernels Numba compiles for a user: each takes up to a second, once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from numba import config

from minigrad.kernels.compile import BACKEND

pytestmark = pytest.mark.skipif(BACKEND != "numba" or config.DISABLE_JIT, reason="counts compiled kernels")

START = """
import runpy, sys
from collections import Counter
import minigrad as mg
from minigrad.kernels.compile import compiled_count
costs = runpy.run_path(sys.argv[1])
"""
DEMO = """
from rich.progress import Progress
from minigrad import demo
for residual in (False, True):
    demo.train("", residual, Progress(disable=True), epochs=1)
"""
RESNET = """
model = costs["NETS"]["resnet"](mg, 8, 1)
optimizer = mg.optim.Adam(model.parameters())
x, y = mg.randn(64, 1, 8, 8), mg.randint(0, 10, (64,))
for _ in range(2):
    optimizer.zero_grad()
    mg.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
"""
END = """
several = {}
for _, _, dispatcher in costs["compiled"]():
    dtypes = Counter(tuple(str(getattr(a, "dtype", a)) for a in found) for found in dispatcher.signatures)
    if any(n > 1 for n in dtypes.values()):
        several[dispatcher.py_func.__name__] = max(dtypes.values())
print(compiled_count())
print(several)
"""


# Measured: 14 and 38. Each is for arrays that lie row by row.
@pytest.mark.parametrize(("code", "most"), [(DEMO, 16), pytest.param(RESNET, 40, marks=pytest.mark.slow)])
def test_few_specialisations_and_one_layout_each(code, most, run_python, tmp_path):
    costs = Path(__file__).with_name("test_costs.py")
    done = run_python(START + code + END, str(costs), NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    count, several = map(ast.literal_eval, done.stdout.splitlines())
    assert 5 < count <= most
    assert several == {}
