"""What all lessons' scripts share: figures shown where they stand, and a script's definitions without its cells."""

import base64
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minigrad.classroom.script import default_folder, definitions, save_folder, show
from minigrad.plot.style import figure


@pytest.fixture
def in_a_script(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["lesson.py"])
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_a_script")
def test_the_folder_is_what_the_command_line_says(monkeypatch):
    assert save_folder() == Path("figures")
    monkeypatch.setattr(sys, "argv", ["lesson.py", "--save", "elsewhere"])
    assert save_folder() == Path("elsewhere")
    monkeypatch.setattr(sys, "argv", ["lesson.py", "--svae", "elsewhere"])
    with pytest.raises(SystemExit):
        save_folder()


@pytest.mark.usefixtures("in_a_script")
def test_a_checkouts_own_figures_are_left_alone(tmp_path, monkeypatch):
    (tmp_path / "minigrad" / "engine").mkdir(parents=True)
    (tmp_path / "lessons" / "exercises").mkdir(parents=True)
    assert default_folder() == Path("out")
    monkeypatch.chdir(tmp_path / "lessons")
    assert default_folder() == Path("out")
    monkeypatch.setattr(sys, "argv", ["lesson.py", "--save", "figures"])
    assert save_folder() == Path("figures")


def drawn():
    fig, ax = figure()
    ax.set_xlabel("layer")
    return fig, ax


@pytest.mark.usefixtures("in_a_script")
def test_a_script_saves_its_figure_with_the_caption_below(tmp_path, capsys):
    fig, ax = drawn()
    show(fig, "07_a", "one line\nand another")
    assert (tmp_path / "figures" / "07_a.png").stat().st_size > 1000
    assert f"figure: {Path('figures', '07_a.png')}" in capsys.readouterr().out
    (caption,) = fig.texts
    assert caption.get_window_extent().y1 <= ax.get_tightbbox().y0


def test_a_notebook_shows_it_inline_and_never_reads_the_command_line(tmp_path, monkeypatch, capsys):
    shown = []
    display = SimpleNamespace(Image=lambda data, alt: (data, alt), display=shown.append)
    ipython = SimpleNamespace(display=display, get_ipython=lambda: SimpleNamespace(kernel=None))
    modules = {"IPython": ipython, "IPython.display": display}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    monkeypatch.chdir(tmp_path)
    show(drawn()[0], "07_a", "what to see")
    ((image, alt),) = shown
    assert image.startswith(base64.b64decode("iVBORw0KGgo="))  # a PNG's first bytes
    assert alt == "what to see"
    assert list(tmp_path.iterdir()) == []


SCRIPT = '''"""A lesson."""
import math

import minigrad as mg

RATES = [0.1, 0.3]
WIDE, DEEP = 3, 4
LOGS: list = [math.log(rate) for rate in RATES]
values = 1 / 0


class Net(mg.nn.Module):
    layers = DEEP


def double(x):
    return 2 * x


# %%
if True:
    print("a cell runs")
for rate in RATES:
    print(rate)
TABLE["x"] = 1
double.calls = 0
raise SystemExit
'''


def test_definitions_are_had_without_the_cells(tmp_path, capsys):
    path = tmp_path / "15_lesson.py"
    path.write_text(SCRIPT)
    one = definitions(path)
    assert capsys.readouterr().out == ""
    assert one.double(one.WIDE) == 6
    assert one.Net.layers == 4
    assert len(one.LOGS) == 2
    assert one.double.__code__.co_firstlineno == 16
    assert not {"values", "rate"} & set(vars(one))
