"""Bring a file from the web: checked, resumable, and never half there.

Bytes go to ``NAME.part``. Only when the sum is right is the part moved to its name, in one step. A broken
download goes on where it stopped. No function here runs on import.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

#: How often a broken transfer is taken up again, and how many seconds pass before it is.
ATTEMPTS = 4
PAUSE = 1.0
#: After how many seconds of silence a connection counts as broken.
TIMEOUT = 30.0
#: A connection that never falls silent may still be too slow to wait for: over so many seconds, a transfer
#: must bring at least so many bytes a second.
PATIENCE = 60.0
SLOWEST = 10_000.0
#: Before the first byte of the file stand headers: they must be there after so many seconds.
HEADERS = 60.0
_CHUNK = 1 << 16


class DownloadError(OSError):
    """A file could not be downloaded, or isn't the file that it should be."""


class Remote(NamedTuple):
    """A file on the web, and how to tell that it is the right one."""

    url: str
    size: int
    sha256: str


class _TransferError(Exception):
    """A transfer that is worth taking up again."""


def cache_dir() -> Path:
    """Tell where downloads are kept: ``MINIGRAD_DATA`` if it is set, else the user's cache folder."""
    chosen = os.environ.get("MINIGRAD_DATA")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "minigrad")


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Compute the checksum of a file, as hexadecimal digits."""
    total = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def verify(path: Path, expected: str, algorithm: str = "sha256") -> Path:
    """Give the path back if the file has the expected checksum.

    Raises
    ------
    DownloadError
        If it has another one.
    """
    found = digest(path, algorithm)
    if found != expected:
        raise DownloadError(
            f"{path} is not the file that it should be: its {algorithm} is {found}, not {expected}. "
            "Delete it and call again, to download it anew"
        )
    return path


def fetch(remote: Remote, path: Path) -> Path:
    """Download a file, unless it is there already; check it in both cases.

    Two processes may do this at once: the second waits for the first.

    Parameters
    ----------
    remote
        The file on the web.
    path
        Where it is to be. Folders are made as needed.

    Returns
    -------
    Path
        The path that was given.

    Raises
    ------
    DownloadError
        If the server can't be reached, the folder can't be written, or the bytes are the wrong ones.
    """
    if path.exists():
        return verify(path, remote.sha256)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if not path.exists():
                _fetch(remote, path, path.with_name(f"{path.name}.part"))
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(
            f"can't write {path}: {error}. Make room, or choose another folder: "
            "pass root=, or set the environment variable MINIGRAD_DATA"
        ) from error
    return path


def _alone(path: Path) -> AbstractContextManager[Any]:
    """Wait until no other process makes this file. The lock is an empty file ``.NAME.lock`` beside it, and stays."""
    # Imported here: it brings asyncio and more, and is needed for a download only.
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        print(f"waiting for another process to finish {path}", file=sys.stderr)
        return lock.acquire()


def _fetch(remote: Remote, path: Path, part: Path) -> None:
    """Transfer, check, and move into place; take up a broken transfer again."""
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * attempt)
        resumed = part.exists()
        try:
            _transfer(remote, part)
        except _TransferError as error:
            reason = str(error)
            continue
        found = digest(part)
        if found == remote.sha256:
            os.replace(part, path)
            return
        part.unlink()
        reason = f"its sha256 is {found}, not {remote.sha256}"
        if not resumed:
            # A resumed part may have been of another version, and is worth a fresh start. This one wasn't.
            raise DownloadError(
                f"{remote.url} is not the file that it should be: {reason}. Nothing was kept. Try again "
                f"later, or get the right file by other means and put it at {path}"
            )
    came = part.stat().st_size if part.exists() else 0
    raise DownloadError(
        f"could not download {remote.url} to {path}: {reason}; {came:,} of {remote.size:,} bytes came. "
        "Check the connection and call again: the download goes on where it stopped. "
        f"Or get the file by other means and put it at {path}"
    )


def _transfer(remote: Remote, part: Path) -> None:
    """Bring what is still missing of a file into its part."""
    have = part.stat().st_size if part.exists() else 0
    if have >= remote.size:
        # All is there, and only the check is missing; or too much is, and the check will say so.
        return
    with _open(remote, part, have) as response:
        if response.status == 206:
            first, _, total = response.headers.get("Content-Range", "").partition("/")
            if not first.startswith(f"bytes {have}-"):
                part.unlink()
                raise _TransferError("the server sent another range than it was asked for")
        else:
            have = 0
            total = response.headers.get("Content-Length", "")
        if total.isdigit() and int(total) != remote.size:
            raise DownloadError(
                f"{remote.url} offers {int(total):,} bytes instead of {remote.size:,}: it is another file, "
                "or a proxy's login page in its place. Open the address in a browser to see"
            )
        with open(part, "ab" if have else "wb") as file, _bar(part.name, have, remote.size) as advance:
            for chunk in _chunks(response):
                have += len(chunk)
                if have > remote.size:
                    break
                file.write(chunk)
                advance(len(chunk))
    if have > remote.size:
        part.unlink()
        raise DownloadError(f"{remote.url} sends more than the expected {remote.size:,} bytes")
    if have < remote.size:
        raise _TransferError("the connection ended too early")


def _open(remote: Remote, part: Path, have: int) -> Any:
    if not remote.url.startswith(("https://", "http://")):
        raise ValueError(f"{remote.url} is no web address: it must start with https:// or http://")
    headers = {"User-Agent": "minigrad"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return _within(HEADERS, lambda: urlopen(Request(remote.url, headers=headers), timeout=TIMEOUT))
    except HTTPError as error:
        error.close()
        if error.code == 416:
            # The server can't go on from here: start anew.
            part.unlink()
        if error.code in (408, 416, 429) or error.code >= 500:
            raise _TransferError(f"the server answers {error.code} {error.reason}") from error
        raise DownloadError(f"{remote.url}: the server answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise _TransferError(str(error)) from error


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """What a call gives; TimeoutError if it takes too long: then a thread of its own waits on, for nobody."""
    found: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            found.put((call(), None))
        except BaseException as error:  # raised below, by who asked
            found.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = found.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"the server's answer hasn't begun after {seconds:g} seconds") from None
    if error is not None:
        raise error
    return answer


def _chunks(response: Any) -> Iterator[bytes]:
    """What the server sends, piece by piece, as long as it doesn't only trickle."""
    since, came = time.monotonic(), 0
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (OSError, HTTPException) as error:
            raise _TransferError(str(error)) from error
        if not chunk:
            return
        yield chunk
        came += len(chunk)
        seconds = time.monotonic() - since
        if seconds > PATIENCE:
            if came < SLOWEST * seconds:
                raise _TransferError(f"the server is too slow: {came:,} bytes came in {seconds:.0f} seconds")
            since, came = time.monotonic(), 0


@contextmanager
def _bar(name: str, have: int, size: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error, and give the function that moves it on."""
    # Imported here: rich takes longer to import than all of minigrad.data, and is seldom needed.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name.removesuffix(".part"), total=size, completed=have)
        yield lambda count: progress.advance(task, count)
