"""How kernels are made: which version runs, where compiled code is kept, and what is said of it."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import elementwise, threads
from minigrad.kernels.compile import KERNELS

HERE = Path(__file__).parent
CALL = """
import numpy as np
from minigrad.kernels import compile, elementwise
x = np.linspace(-1, 1, 5)
elementwise.sigmoid(x)
print(elementwise.erf(x)[2], compile.compiled_count())
"""


@pytest.fixture
def copied(tmp_path):
    """A copy of the kernels in a package of its own, which imports nothing else."""
    shutil.copytree(
        Path(kernels.__file__).parent, tmp_path / "minigrad" / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "minigrad" / "__init__.py").touch()
    return tmp_path


def run(root, code=CALL, **environment):
    """Run code in a new process, with ``root`` first on the path and none of this one's settings."""
    clean = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(root), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, timeout=300, check=False, cwd=root
    )


def test_every_kernel_is_in_a_test():
    for module in pkgutil.walk_packages(kernels.__path__, "minigrad.kernels."):
        importlib.import_module(module.name)
    text = "\n".join(path.read_text() for path in HERE.glob("test_*.py"))
    named = set(re.findall(r"\w+", text))
    assert {name for name in KERNELS if name.partition(".")[2] not in named} == set()


def test_kernels_keep_their_references_names_and_docstrings():
    for name, (reference, fast) in KERNELS.items():
        assert fast.__name__ == reference.__name__ == name.partition(".")[2]
        assert reference.__doc__, name


def test_numpy_can_be_asked_for(copied):
    code = (
        CALL
        + """
kernel = compile.KERNELS["elementwise.sigmoid"]
assert elementwise.sigmoid is kernel.reference is not kernel.fast
"""
    )
    done = run(copied, code, MINIGRAD_KERNELS="numpy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.0 0\n", "")


def test_another_name_is_refused(copied):
    done = run(copied, MINIGRAD_KERNELS="numby")
    assert "MINIGRAD_KERNELS is 'numby': it can be 'numba' (the default) or 'numpy'" in done.stderr


def test_compiling_is_announced_once_and_kept(copied):
    first, second = run(copied), run(copied)
    assert first.stderr == "minigrad: compiling kernels (first run only)\n"
    assert int(first.stdout.split()[1]) > 1
    assert (second.stdout, second.stderr) == ("0.0 0\n", "")


def test_an_edit_of_what_kernels_share_is_seen(copied):
    assert run(copied).stdout.startswith("0.0 ")
    shared = copied / "minigrad" / "kernels" / "vector_math.py"
    text = shared.read_text()
    assert text.count("return math.erf(x)") == 1
    shared.write_text(text.replace("return math.erf(x)", "return math.erf(x) + 1"))
    assert run(copied).stdout.startswith("1.0 ")


def test_without_a_place_to_keep_them_kernels_run_uncached_with_one_warning(copied):
    """A file stands where the folder would be: that stops even root."""
    (copied / "minigrad" / "kernels" / "__pycache__").touch()
    done = run(copied, HOME="/dev/null", XDG_CACHE_HOME="/dev/null")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("RuntimeWarning: minigrad's compiled kernels can't be kept on disk") == 1
    assert "NUMBA_CACHE_DIR" in done.stderr


def test_the_number_of_threads_has_bounds():
    with pytest.raises(ValueError, match=r"set_num_threads\(0\): it takes at least 1"):
        threads.set_num_threads(0)


@pytest.mark.parametrize("wrong", ["abc", "0", "-1", "1.5"])
def test_a_wrong_number_of_threads_in_the_environment_is_refused(copied, wrong):
    done = run(copied, MINIGRAD_NUM_THREADS=wrong)
    assert f"MINIGRAD_NUM_THREADS is '{wrong}': it must be a whole number, 1 or more" in done.stderr


def test_python_threads_can_call_kernels_at_once(rng):
    x = rng.standard_normal(200_000).astype(np.float32)
    expected = elementwise.sigmoid(x)
    with ThreadPoolExecutor(4) as pool:
        for y in pool.map(lambda _: elementwise.sigmoid(x), range(40)):
            np.testing.assert_array_equal(y, expected)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_child_can_call_kernels(copied):
    code = """
import os
import numpy as np
from minigrad.kernels import elementwise
x = np.zeros(200_000)
elementwise.sigmoid(x)
child = os.fork()
if child == 0:
    os._exit(0 if elementwise.sigmoid(x)[0] == 0.5 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    done = run(copied, code)
    assert done.returncode == 0, done.stderr
