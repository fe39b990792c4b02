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
        (["lesson", "zoo", "--save", "there"], "the zoo takes no --save"),
        (["lesson", "--copy", "there"], "--copy of which lesson?"),
        (["lesson", "1", "--save", "file"], "files can't go there"),
        (["check", "1", "nowhere.py"], "there is no file"),
        (["check", "1"], "--copy DIR"),
        (["check", "1", "file"], "ends in .py"),
        (["check", "file"], "ends in .py"),
        (["step", "nowhere.py"], "there is no file"),
        (["step", "folder"], "is a folder"),
        (["step", "binary"], "no Python script that can be read"),
        (["step", "zeros"], "holds zero bytes"),
        (["replay", "nowhere.py"], "there is no file"),
        (["replay", "binary"], "no Python script that can be read"),
        (["replay", "script.py", "--out", "folder"], "is a folder"),
        (["replay", "--out", "file/a.html", "script.py"], "files can't go there"),
        (["replay", "script.py", "--out"], "give the page's name"),
    ],
)
def test_a_bad_call_is_one_line_and_no_work(words, told, drawn_to, tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "zeros").write_bytes(b"x = 1\n\0")
    (tmp_path / "script.py").write_text("print('work')")
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


@pytest.mark.parametrize("command", ["step", "replay"])
def test_a_missing_file_is_all_that_is_missing(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command])
    told = capsys.readouterr().err
    assert told.endswith("the following arguments are required: FILE\n")
    assert "FILE ..." in told


@pytest.mark.parametrize("command", ["step", "replay"])
def test_a_script_that_python_can_not_read_is_shown_as_python_shows_it(command, capsys):
    Path("script.py").write_text("x = 1\ny = (\n")
    assert cli.main([command, "script.py"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("  File ")
    assert told.endswith("SyntaxError: '(' was never closed\n")


BACKWARD = "import minigrad as mg\nx = mg.tensor([1.0, 2.0], requires_grad=True)\n(x * x).sum().backward()\n"


@pytest.mark.parametrize(("end", "code", "told"), [("3", 3, ""), ("", 0, ""), ("'enough'", 1, "enough\n")])
def test_a_script_may_end_by_sys_exit(end, code, told, capsys):
    Path("script.py").write_text(f"{BACKWARD}import sys\nsys.exit({end})\n")
    assert cli.main(["replay", "script.py", "--out=page.html"]) == code
    shown = capsys.readouterr()
    assert shown.out == "page.html: 2 steps\n"
    assert shown.err == told
    assert Path("page.html").stat().st_size > 1000


def started(*words, **options):
    environment = {**os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1]), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "minigrad", *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **options)


WAIT = "import pathlib, time\npathlib.Path('here').touch()\ntime.sleep(100)\n"
LONG = {
    "check": (["check", "03_fork.py"], WAIT),
    "step": (["step", "03_fork.py"], WAIT),
    "stepper": (["step", "03_fork.py"], f"{BACKWARD.replace('(x', 'open(chr(97), chr(119)); (x')}"),
    "replay": (["replay", "03_fork.py"], WAIT),
    "demo": (["demo", "--epochs", "100000"], ""),
    "lesson": (["lesson", "8"], ""),
}


@pytest.mark.skipif(os.name == "nt", reason="signals are another thing there")
@pytest.mark.parametrize("command", LONG)
def test_ctrl_c_ends_in_one_line(command):
    words, script = LONG[command]
    Path("03_fork.py").write_text(script)
    mark = Path("figures" if command in ("demo", "lesson") else "a" if command == "stepper" else "here")
    with started(*words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while not mark.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        told = process.stderr.read()
    assert process.returncode == 130
    lines = [line for line in told.splitlines() if line.strip() and "compiling" not in line]
    assert [line for line in lines if "plain" not in line] == [f"minigrad {words[0]}: stopped"]


@pytest.mark.skipif(os.name == "nt", reason="pipes are another thing there")
@pytest.mark.parametrize(
    "words",
    [
        "lesson", "lesson zoo", "lesson 1", "lesson 1 --copy there", "info", "--help", "check --help", "--version",
        "check 03_fork.py", "check 03_fork.py --json", "step 03_fork.py", "replay 03_fork.py", "demo --epochs 1",
    ],
)  # fmt: skip
def test_a_closed_pipe_ends_in_silence(words):
    Path("03_fork.py").write_text(BACKWARD)
    ours, theirs = os.pipe()
    os.close(ours)
    with started(*words.split(), stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        _, told = process.communicate(timeout=60)
    assert [line for line in told.splitlines() if "compiling" not in line and line.strip()] == []
    asked = words.endswith(("help", "version"))  # argparse itself may pass over a text that it can't write
    assert process.returncode in ((0, 141) if asked else (141,))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("words", ["info", "lesson", "check 03_fork.py", "replay 03_fork.py"])
def test_a_full_disk_is_told_in_one_line(words):
    Path("03_fork.py").write_text(BACKWARD)
    with open("/dev/full", "w") as full, started(*words.split(), stdout=full) as process:
        _, told = process.communicate(timeout=60)
    assert told.startswith(f"minigrad {words.split()[0]}: ")
    assert told.count("\n") == 1
    assert process.returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="a shell's closed streams")
@pytest.mark.parametrize("stream", ["0", "1", "0<&- 1"])
@pytest.mark.parametrize("words", ["info", "check 3 03_fork.py", "step 03_fork.py", "replay 03_fork.py", "lesson"])
def test_a_closed_stream_is_no_reason_to_fail(words, stream):
    Path("03_fork.py").write_text(BACKWARD)
    environment = {**os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1])}
    closed = f"{stream}<&-" if stream == "0" else f"{stream}>&-"
    line = f'"{sys.executable}" -m minigrad {words} {closed}'
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == (1 if words.startswith("check") else 0)
    assert done.stderr == ""


@pytest.mark.parametrize("width", ["20", "40", "80", "300"])
def test_tables_fit_the_terminal(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", width)
    for words in (["lesson"], ["lesson", "zoo"], ["demo", "--epochs", "1"]):
        assert cli.main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        most = max(40, int(width)) if words == ["lesson"] else min(80, max(40, int(width)))
        assert max(len(line) for line in lines if os.sep not in line) <= most
