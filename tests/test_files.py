"""Every writer: whole or not at all, into devices too, with the old file's mode; places are tried before the work."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import inspect, plot
from minigrad.classroom import catalogue, notebook, progress
from minigrad.files import file_to_write, folder_to_write, write_new, write_whole
from minigrad.inspect.say.table import write_csv

posix = pytest.mark.skipif(os.name == "nt", reason="modes, pipes and signals are POSIX's")


def loss():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    s, b = mg.skip.fork(x)
    return mg.skip.residual_add(s, b * 0.5).sum()


def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


WRITERS = {
    "write_whole": lambda path: write_whole(path, b"new"),
    "save": lambda path: mg.save({"x": mg.ones(2)}, path),
    "trace": lambda path: inspect.trace(loss()).save(path),
    "page": lambda path: inspect.replay(loss()).save(path),
    "csv": lambda path: write_csv(path, [{"a": 1}]),
    "plot": lambda path: plot.save(axes().figure, path),
}


@pytest.fixture(params=WRITERS)
def writer(request):
    pytest.importorskip("matplotlib")
    return WRITERS[request.param]


def test_what_is_written_is_whole_or_not_at_all(writer, tmp_path, monkeypatch):
    path = tmp_path / "file.png"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        writer(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.png"]


def test_notebooks_and_progress_are_whole_or_not_at_all(tmp_path, monkeypatch):
    pytest.importorskip("jupytext")
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))
    assert progress.note_passed("07", ["a"]) is None

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    assert "disk full" in progress.note_passed("07", ["b"])
    assert progress.passed("07") == ["a"]
    with pytest.raises(OSError, match="disk full"):
        notebook.write_notebooks([catalogue.find("1")], tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "progress.json"]


def test_new_files_are_written_all_or_none(tmp_path, monkeypatch):
    contents = {tmp_path / "sub" / name: name.encode() for name in "abc"}
    with monkeypatch.context() as patched:
        calls = []

        def fail_at_the_third(*_):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt

        patched.setattr(os, "fsync", fail_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            write_new(contents)
    assert os.listdir(tmp_path / "sub") == []
    write_new(contents)
    (tmp_path / "sub" / "b").unlink()
    (tmp_path / "sub" / "a").write_text("mine")
    with pytest.raises(ValueError, match="left as it is"):
        write_new(contents)
    assert (tmp_path / "sub" / "a").read_text() == "mine"
    assert not (tmp_path / "sub" / "b").exists()


@posix
@pytest.mark.parametrize("what", ["save", "trace", "page", "csv", "plot"])
def test_a_pipe_is_written_to_and_stays_one(what, tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    came = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    WRITERS[what](pipe)
    reader.join(30)
    assert len(came[0]) > 3
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe.png"]


@posix
def test_a_device_is_written_to_and_stays_one(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.read_bytes()
    except OSError:
        pytest.skip("devices can be made by root alone")
    mg.save({"x": mg.ones(2)}, device)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert os.listdir(tmp_path) == ["null"]


@posix
@pytest.mark.parametrize("mode", [0o640, 0o600, 0o664])
def test_a_file_keeps_its_mode(writer, mode, tmp_path):
    path = tmp_path / "file.png"
    path.touch()
    path.chmod(mode)
    writer(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "file"
    path.touch()
    if os.geteuid() != 0:
        pytest.skip("only root makes files of others")
    os.chown(path, 12345, 12346)
    write_whole(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_write_protected_file_is_left(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # (root may write to all)
    with pytest.raises(PermissionError, match="write-protected"):
        mg.save({}, path)
    with pytest.raises(ValueError, match="write-protected"):
        file_to_write(path)
    assert path.read_bytes() == b"old"


def test_a_long_name_has_room(tmp_path):
    path = tmp_path / ("n" * 250)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        mg.save({}, f"{tmp_path / 'new'}/")
    assert os.listdir(tmp_path) == []


SLOW = """
import os, sys, time
from minigrad.files import write_whole
os.fsync = lambda descriptor: (print("now", flush=True), time.sleep(100))
write_whole(sys.argv[1], b"half")
"""


def started_save(path):
    environment = {**os.environ, "PYTHONPATH": str(Path(mg.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(path)], stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline().strip() == b"now"
    return process


@posix
def test_what_a_killed_save_leaves_is_swept_and_what_another_one_writes_is_not(tmp_path):
    killed, going_on = started_save(tmp_path / "a"), started_save(tmp_path / "b")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=30)
        assert len(os.listdir(tmp_path)) == 2
        write_whole(tmp_path / "c", b"new")
        assert len(os.listdir(tmp_path)) == 2  # c, and what b is written to
        going_on.send_signal(signal.SIGKILL)
        going_on.communicate(timeout=30)
        write_whole(tmp_path / "c", b"new")
        assert os.listdir(tmp_path) == ["c"]
    finally:
        for process in (killed, going_on):
            process.kill()
            process.communicate()


def test_many_writers_at_once(tmp_path):
    """None sweeps away what another one is about to write."""
    errors = []

    def write(number):
        try:
            for i in range(30):
                write_whole(tmp_path / f"{number}-{i % 3}", b"x" * 1000)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(os.listdir(tmp_path)) == 12


def test_places_are_tried_and_made(tmp_path):
    assert folder_to_write(tmp_path / "a" / "b").is_dir()
    assert file_to_write(tmp_path / "c" / "d.txt").parent.is_dir()
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match="files can't go there"):
            folder_to_write(place)
    with pytest.raises(ValueError, match="is a folder"):
        file_to_write(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a", "c", "file"]


@posix
def test_a_killed_save_loses_nothing(tmp_path):
    """Whenever a process is killed, the file is that of before or that of after."""
    path = tmp_path / "trace.npz"
    inspect.trace(loss()).save(path)
    code = (
        "import sys, minigrad as mg\nfrom minigrad import inspect\n"
        "x = mg.ones(200, 200, requires_grad=True)\nt = inspect.trace((x * x).sum())\nprint('now', flush=True)\n"
        "while True: t.save(sys.argv[1])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(mg.__file__).parents[1])}
    for wait in (0.003, 0.02, 0.041):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=environment) as p:
            assert p.stdout.readline().strip() == b"now"
            time.sleep(wait)
            p.kill()
        assert len(inspect.load(path)) >= 2
    inspect.trace(loss()).save(path)
    assert os.listdir(tmp_path) == ["trace.npz"]
