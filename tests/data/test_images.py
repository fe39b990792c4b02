"""MNIST and CIFAR-10 from a server on this machine, and files of theirs that are damaged or hostile."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.data import DownloadError, cifar10, cifar10_arrays, images, mnist, mnist_arrays
from minigrad.data.batches import read_batch
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


class Python2Pickler(pickle._Pickler):
    """Writes strings and bytes alike as Python 2 did, when the CIFAR-10 files were made."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_str(self, text):
        content = text if isinstance(text, bytes) else text.encode()
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(text)

    dispatch[bytes] = dispatch[str] = save_str


def python2_pickle(value):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(value)
    return file.getvalue()


def batch(pixels=COLOURS, labels=(0, 9, 2, 2)):
    return python2_pickle({"data": pixels, "labels": list(labels), "batch_label": "b", "filenames": ["x.png"]})


def serve(server, name, content):
    return Remote(server.put(name, content), len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def mnist_server(server, monkeypatch):
    pictures = serve(server, "train-images-idx3-ubyte.gz", gzip.compress(idx(PICTURES)))
    labels = serve(server, "train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS)))
    monkeypatch.setattr(images, "MNIST_FILES", {True: (pictures, labels)})
    return server


@pytest.fixture
def cifar_server(server, monkeypatch):
    file = io.BytesIO()
    sums = {}
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in ("data_batch_1", "data_batch_2"):
            content = batch()
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            sums[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(images, "CIFAR10_ARCHIVE", serve(server, "cifar-10-python.tar.gz", file.getvalue()))
    monkeypatch.setattr(images, "CIFAR10_BATCHES", {True: sums})
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
    assert labels.tolist() == [0, 9, 2, 2] * 2
    cifar10_arrays(tmp_path)
    assert len(cifar_server.requests) == 1


def test_a_missing_batch_is_unpacked_again(cifar_server, tmp_path):
    cifar10_arrays(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").unlink()
    assert len(cifar10_arrays(tmp_path)[0]) == 8
    assert len(cifar_server.requests) == 1


def test_a_damaged_batch_is_named_and_not_read(cifar_server, tmp_path):
    cifar10_arrays(tmp_path)
    damaged = tmp_path / "cifar-10-batches-py" / "data_batch_2"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DownloadError, match="data_batch_2 is not the file"):
        cifar10_arrays(tmp_path)
    damaged.unlink()
    assert len(cifar10_arrays(tmp_path)[0]) == 8


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_batches_that_newer_pythons_wrote(tmp_path, protocol):
    if protocol == 2:
        content = batch()
    else:
        content = pickle.dumps({b"data": COLOURS, b"labels": [0, 1, 2, 3]}, protocol=protocol)
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    if protocol == 5:
        # Protocol 5 has a function of NumPy make the array. The published files are of protocol 2.
        with pytest.raises(FileFormatError, match="_frombuffer"):
            read_batch(path)
    else:
        np.testing.assert_array_equal(read_batch(path)[0].reshape(4, -1), COLOURS)


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return __import__("os").mkdir, (str(self.path),)


def test_a_hostile_pickle_runs_nothing(tmp_path):
    path = tmp_path / "data_batch_1"
    path.write_bytes(python2_pickle({"data": COLOURS, "labels": [0] * 4, "x": Hostile(tmp_path / "evil")}))
    with pytest.raises(FileFormatError, match=r"it names (posix|nt)\.mkdir") as caught:
        read_batch(path)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["builtins.eval", "numpy.load", "numpy.core.multiarray.array", "os.system"])
def test_no_other_name_is_looked_up(tmp_path, name):
    module, _, function = name.rpartition(".")
    path = tmp_path / "data_batch_1"
    path.write_bytes(f"c{module}\n{function}\n.".encode())
    with pytest.raises(FileFormatError, match=f"it names {name}, which no batch file needs"):
        read_batch(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        batch()[:-100],
        batch(labels=[0, 1, 2]),
        batch(labels=[0, 1, 2, 10]),
        batch(labels=["a", "b", "c", "d"]),
        batch(pixels=COLOURS.astype(np.float32)),
        batch(pixels=COLOURS[:, :-1]),
        batch(pixels=np.asfortranarray(COLOURS)),
        python2_pickle([1, 2]),
        python2_pickle({"data": 3, "labels": []}),
    ],
    ids=["empty", "cut", "labels short", "label 10", "text", "float", "narrow", "columns", "list", "number"],
)
def test_damaged_batches(tmp_path, content):
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="no batch file of CIFAR-10") as caught:
        read_batch(path)
    assert str(path) in str(caught.value)
