"""Archives: what a good one holds is there afterwards, and a hostile one leaves nothing anywhere."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.data.unpack import unpack_tar
from minigrad.serialize import FileFormatError


def archive(folder, *members):
    """Write an archive of (name, content or attributes) pairs, and give its path."""
    path = folder / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, given in members:
            info = tarfile.TarInfo(name)
            content = given if isinstance(given, bytes) else b""
            attributes = {"size": len(content)} if isinstance(given, bytes) else given
            for key, value in attributes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return path


def everything(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.fixture
def inside(tmp_path):
    """A folder to unpack into, with room around it for what escapes."""
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    return folder


def test_files_and_folders(inside, tmp_path):
    path = archive(tmp_path, ("sub", {"type": tarfile.DIRTYPE}), ("sub/x", b"one"), ("deep/er/y", b"two"))
    unpack_tar(path, inside, max_bytes=100)
    assert everything(inside) == ["deep", "deep/er", "deep/er/y", "sub", "sub/x"]
    assert (inside / "sub" / "x").read_bytes() == b"one"
    assert (inside / "deep" / "er" / "y").read_bytes() == b"two"


def test_files_that_are_there_stay(inside, tmp_path):
    (inside / "x").write_bytes(b"mine")
    unpack_tar(archive(tmp_path, ("x", b"theirs"), ("y", b"new")), inside, max_bytes=100)
    assert (inside / "x").read_bytes() == b"mine"
    assert (inside / "y").read_bytes() == b"new"


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", b"x"),
        ("sub/../../evil", b"x"),
        ("/minigrad-evil", b"x"),
        ("C:/evil", b"x"),
        ("C:evil", b"x"),
        ("..\\evil", b"x"),
        ("\\\\host\\share\\evil", b"x"),
        ("good:stream", b"x"),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "../.."}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "good"}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("device", {"type": tarfile.CHRTYPE}),
    ],
)
def test_hostile_members(inside, tmp_path, member):
    path = archive(tmp_path, ("good", b"fine"), member)
    with pytest.raises(FileFormatError, match="its member") as caught:
        unpack_tar(path, inside, max_bytes=100)
    assert str(path) in str(caught.value)
    assert repr(member[0]) in str(caught.value)
    assert everything(tmp_path) == ["a.tar.gz", "outer", "outer/inner"]


def test_size_is_bounded_before_anything_large_is_written(inside, tmp_path):
    path = archive(tmp_path, ("small", b"x"), ("large", bytes(5000)))
    with pytest.raises(FileFormatError, match="larger than the 5,000 bytes"):
        unpack_tar(path, inside, max_bytes=5000)
    assert everything(inside) == []
    unpack_tar(path, inside, max_bytes=5001)
    assert everything(inside) == ["large", "small"]


def test_a_claimed_size_is_not_believed(inside, tmp_path):
    info = tarfile.TarInfo("huge")
    info.size = 1 << 50
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf()))
    with pytest.raises(FileFormatError, match="larger than"):
        unpack_tar(path, inside, max_bytes=1 << 20)
    assert everything(inside) == []


def test_a_negative_size_does_not_lower_the_total(inside, tmp_path):
    info = tarfile.TarInfo("negative")
    info.size = -512
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    with pytest.raises(FileFormatError, match="claims -512 bytes"):
        unpack_tar(path, inside, max_bytes=100)
    assert everything(inside) == []


def test_truncated(inside, tmp_path):
    path = archive(tmp_path, ("x", bytes(range(256)) * 40))
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(FileFormatError, match="Delete it and call again"):
        unpack_tar(path, inside, max_bytes=100_000)
    assert everything(inside) == []


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=600), st.booleans())
def test_noise_is_an_error_that_names_the_file(inside, tmp_path, noise, compressed):
    path = tmp_path / "noise.tar.gz"
    path.write_bytes(gzip.compress(noise) if compressed else noise)
    try:
        unpack_tar(path, inside, max_bytes=1000)
    except FileFormatError as error:
        assert "noise.tar.gz" in str(error)  # noqa: PT017  (an archive of nothing is not an error)
    assert everything(inside) == []
