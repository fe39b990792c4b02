"""The command line: bad calls are told before any work, Ctrl-C ends in one line, a closed pipe in none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad
from minigrad import cli, demo


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))


@pytest.fixture
def drawn_to(monkeypatch):
    """Where the demo would have drawn; it trains nothing here."""
    calls = []
    monkeypatch.setattr(demo, "run", lambda out, epochs, seed: calls.append((str(out), epochs)))
    return calls


def test_the_demos_figure_goes_where_one_says(drawn_to, tmp_path):
    name = "demo_gradient_norms.png"
    (tmp_path / "there").mkdir()
    for words in (["--out", "there"], ["--out", f"new{os.sep}"], ["--out", "a.svg"], ["--epochs", "2"]):
        assert cli.main(["demo", *words]) == 0
    places = [Path("there", name), Path("new", name), Path("a.svg"), Path("figures", name)]
    assert [place for place, _ in drawn_to] == list(map(str, places))
    assert [epochs for _, epochs in drawn_to] == [demo.EPOCHS] * 3 + [2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["demo", "--out", "file/a.png"], "files can't go there"),
        (["demo", "--out", "a.docx"], "ends in one of"),
        (["lesson", "99"], "there is no lesson"),
        (["lesson", "1", "--save", "file"], "files can't go there"),
        (["check", "1", "nowhere.py"], "there is no file"),
        (["check", "1"], "--copy DIR"),
    ],
)
def test_a_bad_call_is_one_line_and_no_work(words, told, drawn_to, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert told in shown.err
    assert shown.err.count("\n") == 1
    assert drawn_to == []


@pytest.mark.parametrize("epochs", ["0", "-1", "x"])
def test_epochs_are_one_or_more(epochs, drawn_to, capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--epochs", epochs])
    assert "from 1 on" in capsys.readouterr().err


def started(*words, **options):
    environment = {**os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1]), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "minigrad", *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.skipif(os.name == "nt", reason="signals are another thing there")
def test_ctrl_c_ends_in_one_line(tmp_path):
    (tmp_path / "03_fork.py").write_text("import pathlib, time\npathlib.Path('here').touch()\ntime.sleep(100)\n")
    with started("check", "03_fork.py", stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while not Path("here").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told == "minigrad check: stopped\n"


@pytest.mark.skipif(os.name == "nt", reason="pipes are another thing there")
@pytest.mark.parametrize("command", ["lesson", "info"])
def test_a_closed_pipe_ends_in_silence(command):
    ours, theirs = os.pipe()
    os.close(ours)
    with started(command, stdout=theirs) as process:
        os.close(theirs)
        _, told = process.communicate(timeout=60)
    assert told == ""
    assert process.returncode == 141
