"""Downloads: whatever the server does, the right file is there in the end, or none and a helpful error."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import DownloadError, cache_dir, download
from minigrad.data.download import ATTEMPTS, Remote, fetch, verify

CONTENT = np.random.default_rng(0).bytes(200_000)


def remote(server, served=CONTENT, right=CONTENT):
    """A file of which ``right`` is expected, and ``served`` is what the server has."""
    return Remote(server.put("a.gz", served), len(right), hashlib.sha256(right).hexdigest())


def visible(folder):
    """What is in a folder, but for the locks."""
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.gz"


def test_downloads_once(server, path):
    assert fetch(remote(server), path) == path
    assert path.read_bytes() == CONTENT
    fetch(remote(server), path)
    assert server.requests == [None]
    assert visible(path.parent) == ["a.gz"]


def test_a_server_that_trickles_is_given_up(server, path, monkeypatch):
    """No silence is long enough for the timeout, and yet the file would take for ever."""
    monkeypatch.setattr(download, "PATIENCE", 0.05)
    monkeypatch.setattr(download, "SLOWEST", 1e9)
    server.pause = 0.03
    with pytest.raises(DownloadError, match=r"the server is too slow: [\d,]+ bytes came in"):
        fetch(remote(server), path)
    assert len(server.requests) == download.ATTEMPTS
    assert not path.exists()


def test_a_server_that_trickles_its_headers_is_given_up(path, monkeypatch):
    """Each byte comes in time, and the headers never end."""
    monkeypatch.setattr(download, "HEADERS", 0.3)
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    listener = socket.create_server(("127.0.0.1", 0))
    given_up = threading.Event()

    def serve():
        connection, _ = listener.accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not given_up.wait(0.02):
            connection.sendall(b"x")
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.gz"
        with pytest.raises(DownloadError, match="the server's answer hasn't begun after 0.3 seconds"):
            fetch(Remote(address, 10, "0" * 64), path)
    finally:
        given_up.set()
        thread.join()
        listener.close()
    assert not path.exists()


def test_a_server_that_is_merely_slow_is_waited_for(server, path, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.05)
    monkeypatch.setattr(download, "SLOWEST", 1.0)
    server.pause = 0.03
    assert fetch(remote(server), path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_makes_folders(server, tmp_path):
    assert fetch(remote(server), tmp_path / "x" / "y" / "a.gz").read_bytes() == CONTENT


def test_goes_on_after_broken_connections(server, path):
    server.cuts = [70_000, 50_000]
    fetch(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert server.requests == [None, "bytes=70000-", "bytes=120000-"]


def test_goes_on_after_a_silence(server, path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    server.cuts = [70_000]
    server.stall = 1.0
    assert fetch(remote(server), path).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=70000-"]


def test_goes_on_where_an_earlier_process_stopped(server, path):
    path.with_name("a.gz.part").write_bytes(CONTENT[:150_000])
    fetch(remote(server), path)
    assert server.requests == ["bytes=150000-"]
    assert path.read_bytes() == CONTENT
    assert visible(path.parent) == ["a.gz"]


def test_a_complete_part_needs_no_server(server, path):
    path.with_name("a.gz.part").write_bytes(CONTENT)
    fetch(remote(server), path)
    assert server.requests == []
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server, path):
    server.ranges = False
    server.cuts = [70_000]
    fetch(remote(server), path)
    assert server.requests == [None, "bytes=70000-"]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"x" * 1000, b"x" * len(CONTENT), CONTENT + b"x"], ids=len)
def test_a_stale_part_is_thrown_away(server, path, stale):
    path.with_name("a.gz.part").write_bytes(stale)
    fetch(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert server.requests[-1] is None


def test_another_range_than_asked_for_is_not_appended(server, path):
    path.with_name("a.gz.part").write_bytes(CONTENT[:1000])
    server.shift_range = 5
    fetch(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert server.requests == ["bytes=1000-", None]


def test_a_refused_range_starts_anew(server, path):
    path.with_name("a.gz.part").write_bytes(CONTENT[:1000])
    server.codes = [416]
    fetch(remote(server), path)
    assert path.read_bytes() == CONTENT
    assert server.requests == ["bytes=1000-", None]


def test_wrong_bytes_leave_nothing(server, path):
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(DownloadError, match="is not the file that it should be") as caught:
        fetch(remote(server, wrong), path)
    assert "a.gz" in str(caught.value)
    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value)
    assert visible(path.parent) == []
    assert len(server.requests) == 1


def test_another_length_is_an_error_before_the_transfer(server, path):
    with pytest.raises(DownloadError, match=r"offers 12 bytes instead of 200,000.*login page"):
        fetch(remote(server, b"<html>hello!"), path)
    assert visible(path.parent) == []


def test_an_endless_answer_is_cut_off(server, path):
    server.tell_length = False
    with pytest.raises(DownloadError, match="more than the expected 200,000 bytes"):
        fetch(remote(server, CONTENT * 300), path)
    assert visible(path.parent) == []
    assert server.sent < 30_000_000


def test_a_length_that_is_not_told_does_no_harm(server, path):
    server.tell_length = False
    assert fetch(remote(server), path).read_bytes() == CONTENT


def test_not_found_is_final(server, path):
    server.codes = [404]
    with pytest.raises(DownloadError, match="404 Not Found"):
        fetch(remote(server), path)
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again(server, path):
    server.codes = [503, 429]
    assert fetch(remote(server), path).read_bytes() == CONTENT


def test_gives_up_and_keeps_the_part(server, path):
    server.cuts = [10_000] * ATTEMPTS
    with pytest.raises(DownloadError, match=r"40,000 of 200,000 bytes came.*goes on where it stopped") as caught:
        fetch(remote(server), path)
    assert str(path) in str(caught.value)
    assert len(server.requests) == ATTEMPTS
    assert fetch(remote(server), path).read_bytes() == CONTENT
    assert server.requests[-1] == "bytes=40000-"


def test_no_server(server, path):
    wanted = remote(server)._replace(url="http://127.0.0.1:9/a.gz")
    with pytest.raises(DownloadError, match=r"could not download http://127.0.0.1:9/a.gz.*0 of 200,000 bytes"):
        fetch(wanted, path)
    assert not path.exists()


def test_only_web_addresses(server, path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    with pytest.raises(ValueError, match="no web address"):
        fetch(remote(server)._replace(url=secret.as_uri()), path)
    assert not path.exists()


def test_a_damaged_file_is_named_and_left_to_its_owner(server, path):
    path.write_bytes(b"mine")
    with pytest.raises(DownloadError, match="Delete it and call again") as caught:
        fetch(remote(server), path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"mine"
    assert server.requests == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="MINIGRAD_DATA"):
        fetch(remote(server), tmp_path / "file" / "a.gz")


def test_two_processes_download_once(server, path):
    server.pause = 0.05
    wanted = remote(server)
    code = f"""
        from pathlib import Path
        from minigrad.data.download import Remote, fetch
        fetch({wanted!r}, Path({str(path)!r}))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    running = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert path.read_bytes() == CONTENT
    assert server.requests == [None]
    assert visible(path.parent) == ["a.gz"]


def test_the_second_waits_for_the_first(path, capsys):
    seen = []

    def second():
        with download._alone(path):
            seen.append(path.exists())

    with download._alone(path):
        waiting = threading.Thread(target=second)
        waiting.start()
        while "waiting for another process to finish" not in capsys.readouterr().err:
            time.sleep(0.01)
        path.touch()
    waiting.join()
    assert seen == [True]


def test_import_opens_no_connection():
    code = """
        import socket
        def refuse(*args, **kwargs):
            raise AssertionError("a connection on import")
        socket.socket.connect = socket.getaddrinfo = refuse
        import minigrad.data
        minigrad.data.digits()
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=env, check=True, timeout=120)


def test_verify(path):
    path.write_bytes(b"abc")
    assert verify(path, "900150983cd24fb0d6963f7d28e17f72", "md5") == path
    with pytest.raises(DownloadError, match="its md5 is 900150983cd24fb0d6963f7d28e17f72, not 00"):
        verify(path, "00", "md5")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "~/.cache/minigrad"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/minigrad"),
        ("darwin", {}, "~/Library/Caches/minigrad"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/minigrad"),
        ("win32", {}, "~/AppData/Local/minigrad"),
        ("linux", {"MINIGRAD_DATA": "~/sets"}, "~/sets"),
    ],
)
def test_cache_dir(monkeypatch, platform, variables, expected):
    for name in ("MINIGRAD_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_dir() == Path(expected).expanduser()
