"""What all lessons' scripts share: where figures go, and a figure with its caption."""

import sys
from pathlib import Path

import pytest

from minigrad.classroom.script import finish, save_folder
from minigrad.plot.style import figure


def test_the_folder_is_what_the_command_line_says(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys, "argv", ["lesson.py"])
    assert save_folder() == Path("figures")
    monkeypatch.setattr(sys, "argv", ["lesson.py", "--save", "elsewhere"])
    assert save_folder() == Path("elsewhere")
    monkeypatch.setattr(sys, "argv", ["lesson.py", "--svae", "elsewhere"])
    with pytest.raises(SystemExit):
        save_folder()


def test_in_a_notebook_the_command_line_is_the_kernels(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    assert save_folder() == Path("figures")


def test_a_caption_stands_below_the_axes(tmp_path, capsys):
    fig, ax = figure()
    ax.set_xlabel("layer")
    finish(fig, tmp_path / "new" / "a.png", "one line\nand another")
    assert (tmp_path / "new" / "a.png").stat().st_size > 1000
    assert "a.png" in capsys.readouterr().out
    (caption,) = fig.texts
    assert caption.get_window_extent().y1 <= ax.get_tightbbox().y0
