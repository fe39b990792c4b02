"""MNIST and CIFAR-10 from a server on this machine, and files of theirs that are damaged or hostile."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.data import DownloadError, cifar10, cifar10_arrays, images, mnist, mnist_arrays
from minigrad.data.cifar import read_archive
from minigrad.data.download import Remote
from minigrad.data.idx import read_idx
from minigrad.serialize import FileFormatError

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9], dtype=np.uint8)
COLOURS = RNG.integers(0, 256, (4, 3072), dtype=np.uint8)


def idx(array):
    """An array of bytes as an IDX file."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def batch(labels=(0, 9, 2, 2)):
    """A batch file of CIFAR-10: a label and its pixels, over and over."""
    return b"".join(bytes([label]) + pixels.tobytes() for label, pixels in zip(labels, COLOURS, strict=False))


def archive(files, mode="w:gz"):
    """A tar file of these files, each with its content or its attributes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for name, given_ in files.items():
            content = given_ if isinstance(given_, bytes) else b""
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in ({} if isinstance(given_, bytes) else given_).items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def serve(server, name, content):
    return Remote(server.put(name, content), len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def mnist_server(server, monkeypatch):
    pictures = serve(server, "train-images-idx3-ubyte.gz", gzip.compress(idx(PICTURES)))
    labels = serve(server, "train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS)))
    monkeypatch.setattr(images, "MNIST_FILES", {True: (pictures, labels)})
    return server


BATCHES = ["cifar-10-batches-bin/data_batch_1.bin", "cifar-10-batches-bin/data_batch_2.bin"]


@pytest.fixture
def cifar_server(server, monkeypatch):
    # The order in the archive is another than that in which the files are wanted, as in the published one.
    content = archive({BATCHES[1]: batch((3, 1, 4, 1)), "cifar-10-batches-bin/readme.html": b"x", BATCHES[0]: batch()})
    monkeypatch.setattr(images, "CIFAR10_ARCHIVE", serve(server, "cifar-10-binary.tar.gz", content))
    monkeypatch.setattr(images, "CIFAR10_BATCHES", {True: BATCHES})
    monkeypatch.setattr(images, "CIFAR10_IMAGES_EACH", 4)
    return server


def test_mnist(mnist_server, tmp_path):
    pictures, labels = mnist(tmp_path)
    assert pictures.shape == (6, 1, 28, 28)
    assert (pictures.dtype, labels.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(pictures.array[:, 0], PICTURES / 255, rtol=1e-6)
    assert labels.tolist() == LABELS.tolist()
    mnist_arrays(tmp_path)
    assert len(mnist_server.requests) == 2
    assert (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").exists()


def test_mnist_goes_to_the_cache_folder(mnist_server, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "cache"))
    mnist()
    assert (tmp_path / "cache" / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz").exists()


def test_mnist_with_too_few_labels(mnist_server, tmp_path, monkeypatch):
    short = serve(mnist_server, "short.gz", gzip.compress(idx(LABELS[:5])))
    monkeypatch.setattr(images, "MNIST_FILES", {True: (images.MNIST_FILES[True][0], short)})
    with pytest.raises(FileFormatError, match=r"has 6 images, but .*short\.gz has 5 labels"):
        mnist(tmp_path)


def test_the_published_files_are_complete():
    remotes = [remote for pair in images.MNIST_FILES.values() for remote in pair] + [images.CIFAR10_ARCHIVE]
    assert len({remote.url for remote in remotes}) == 5
    for remote in remotes:
        assert remote.url.startswith("https://")
        assert len(bytes.fromhex(remote.sha256)) == 32


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(idx(LABELS)), "doesn't start as an IDX file of 3-dimensional"),
        (gzip.compress(idx(PICTURES)[:9]), "ends within its header"),
        (gzip.compress(idx(PICTURES)[:-1]), "promises 4,704 bytes, and 4703 follow"),
        (gzip.compress(idx(PICTURES) + b"x"), "promises 4,704 bytes, and more follow"),
        (gzip.compress(idx(PICTURES))[:-20], "Delete it"),
        (gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 1 << 31, 1 << 31, 4)), "too large"),
        (b"not gzip at all", "[Nn]ot a gzipped file"),
        (b"", "doesn't start as"),
    ],
    ids=["labels", "header cut", "short", "long", "gzip cut", "huge", "no gzip", "empty"],
)
def test_damaged_idx_files(tmp_path, content, reason):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=reason) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_noise_is_no_idx_file(tmp_path, noise):
    path = tmp_path / "noise.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + bytes(3) + noise))
    try:
        array = read_idx(path, 3)
    except FileFormatError:
        return
    assert array.size == len(noise) - 9


def test_cifar10(cifar_server, tmp_path):
    pictures, labels = cifar10(tmp_path)
    assert pictures.shape == (8, 3, 32, 32)
    assert (pictures.dtype, labels.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(pictures.array[:4].reshape(4, -1), COLOURS / 255, rtol=1e-6)
    np.testing.assert_array_equal(pictures.array[4:], pictures.array[:4])
    assert labels.tolist() == [0, 9, 2, 2, 3, 1, 4, 1]
    cifar10_arrays(tmp_path)
    assert len(cifar_server.requests) == 1


def test_cifar10_can_be_written_to(cifar_server, tmp_path):
    pictures, labels = cifar10_arrays(tmp_path)
    assert pictures.flags.writeable
    assert labels.flags.writeable


def test_a_damaged_archive_is_named_and_not_read(cifar_server, tmp_path):
    cifar10_arrays(tmp_path)
    damaged = tmp_path / "cifar-10-binary.tar.gz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DownloadError, match=r"cifar-10-binary\.tar\.gz is not the file"):
        cifar10_arrays(tmp_path)
    damaged.unlink()
    assert len(cifar10_arrays(tmp_path)[0]) == 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"not gzip at all", "not a gzip file"),
        (archive({"a": batch()})[:6_000], "ended before|unexpected end"),
        (archive({"b": batch()}), "it lacks a"),
        (archive({"a": batch()[:-1]}), "its a is no file of 12,292 bytes"),
        (archive({"a": batch() + b"x"}), "its a is no file of 12,292 bytes"),
        (archive({"a": batch((0, 1, 2, 10))}), "a label in it is 10"),
        (archive({"a": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}}), "its a is no file"),
        (archive({"a": {"type": tarfile.DIRTYPE}}), "its a is no file"),
    ],
    ids=["empty", "no gzip", "cut", "missing", "short", "long", "label 10", "link", "folder"],
)
def test_archives_that_are_none(tmp_path, content, reason):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=reason) as caught:
        read_archive(path, ["a"], 4)
    assert str(path) in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]
