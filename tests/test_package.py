"""What a user types: the names, the import's cost, the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import cli

ROOT = Path(__file__).parents[1]


def test_everything_in_all_exists():
    for name in mg.__all__:
        assert hasattr(mg, name), name
    assert len(dict.fromkeys(mg.__all__)) == len(mg.__all__)


def test_matplotlib_is_not_imported_until_something_is_drawn(run_python):
    code = (
        "import sys, minigrad, minigrad.cli, minigrad.demo\n"
        "from minigrad import plot, inspect, nn, optim, data\n"
        "print('matplotlib' in sys.modules)"
    )
    assert run_python(code).stdout.strip() == "False"


def test_dtypes_are_numpys():
    import numpy as np

    assert mg.float32 == np.float32
    assert mg.ones(2, dtype=mg.float64).array.dtype == np.float64
    assert mg.long == np.int64


def test_the_same_seed_gives_the_same_run_to_the_bit():
    def run():
        mg.manual_seed(3)
        net = mg.nn.Sequential(mg.nn.Linear(6, 8), mg.nn.ReLU(), mg.nn.Dropout(0.3), mg.nn.Linear(8, 2))
        optimizer = mg.optim.Adam(net.parameters(), lr=0.01)
        x = mg.randn(16, 6)
        for _ in range(5):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
        return [p.array.tobytes() for p in net.parameters()]

    assert run() == run()


def test_the_commands(capsys):
    assert cli.main(["info"]) == 0
    assert "NumPy" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        cli.main(["nonsense"])
    assert caught.value.code == 2


def test_the_readme_has_exactly_two_set_up_commands_and_its_example_runs(run_python):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.*?)\n```", text, re.S)
    assert len(commands) == 2
    assert all(c.startswith("python -m pip install") for c in commands)
    (example,) = re.findall(r"```python\n(.*?)```", text, re.S)
    result = run_python(example)
    assert result.returncode == 0, result.stderr
    assert "<Fork#" in result.stdout
    assert "(8, 16)" in result.stdout


def test_the_demo_shows_what_its_text_says(tmp_path, capsys):
    """Six epochs are enough for the difference; the full run is in .ci/run."""
    from minigrad import demo

    plain, residual = demo.run(tmp_path / "figures" / "demo.png", epochs=6)
    assert (tmp_path / "figures" / "demo.png").stat().st_size > 10_000
    assert plain.layers[-1] >= 30
    # The plain net's gradient vanishes by many orders of magnitude, its twin's stays within one.
    assert plain.before[0] < 1e-6 * plain.before[-1]
    assert 0.1 < residual.before[0] / residual.before[-1] < 10
    assert residual.accuracy > 0.9 > 0.5 > plain.accuracy
    out = capsys.readouterr().out
    assert "lessons/07_residual_block.py" in out


def test_the_demos_twins_have_the_same_first_values():
    from minigrad.demo import DeepNet

    nets = []
    for residual in (False, True):
        mg.manual_seed(0)
        nets.append(DeepNet(residual))
    a, b = (net.state_dict() for net in nets)
    assert list(a) == list(b)
    assert all(a[k].array.tobytes() == b[k].array.tobytes() for k in a)


def test_import_needs_no_optional_package(run_python):
    """What is an extra is absent in most places."""
    code = """
import sys
for name in ("einops", "torch", "mpi4py", "IPython", "jupytext", "selenium", "stardist", "pycocotools"):
    sys.modules[name] = None
import minigrad
print(minigrad.__version__)
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
