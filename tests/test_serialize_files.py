"""Files: a failing save costs nothing, other tools' files load, and damaged ones are told apart."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import numpy as safetensors

from minigrad.serialize import FileFormatError, load, save
from minigrad.tensors.tensor import from_array


def t(values):
    return from_array(np.array(values, np.float32))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_save_leaves_the_old_file(path, monkeypatch, step):
    save({"x": t([1.0])}, path)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        save({"x": t([2.0])}, path)
    monkeypatch.undo()
    assert load(path)["x"].tolist() == [1.0]
    assert os.listdir(path.parent) == [path.name]


def test_the_file_is_synced_before_it_is_moved(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append(Path(a).parent == Path(b).parent), replace(a, b)))
    save({"x": t([1.0])}, path)
    assert calls == ["fsync", True]


@pytest.mark.skipif(os.name == "nt", reason="symbolic links and modes are POSIX")
def test_links_and_modes(path, tmp_path):
    link = tmp_path / "latest"
    save({"x": t([1.0])}, path)
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode
    link.symlink_to(path)
    save({"x": t([2.0])}, link)
    assert link.is_symlink()
    assert load(path)["x"].tolist() == [2.0]


def test_folders(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        save({}, tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save({}, tmp_path / "missing" / "x")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.safetensors"):
        load(tmp_path / "missing.safetensors")


def test_what_is_no_place_for_a_file(path):
    with pytest.raises(TypeError, match=r"save: a path is wanted here, or a file .* and not a dict; the order is"):
        save(str(path), {"x": t([1.0])})
    with pytest.raises(TypeError, match="load: a path is wanted here, or a file .* and not a NoneType"):
        load(None)
    with open(path, "w") as file, pytest.raises(TypeError, match="save: the file is open for text: .* 'wb'"):
        save({}, file)
    with open(path) as file, pytest.raises(TypeError, match="load: the file is open for text: .* 'rb'"):
        load(file)
    save({"x": 1}, os.fsencode(path))
    assert load(os.fsencode(path)) == {"x": 1}


def test_a_plain_file_is_a_flat_dictionary(path):
    safetensors.save_file({"a.weight": np.ones((2, 2)), "b": np.arange(3)}, path, metadata={"format": "pt"})
    loaded = load(path)
    assert sorted(loaded) == ["a.weight", "b"]
    assert loaded["b"].tolist() == [0, 1, 2]


def test_other_tools_read_a_state_dict_by_its_names(path):
    save({"conv.weight": t([[1.0, 2.0]]), "conv.bias": t([3.0])}, path)
    theirs = safetensors.load_file(path)
    assert {name: array.tolist() for name, array in theirs.items()} == {
        "conv.weight": [[1.0, 2.0]],
        "conv.bias": [3.0],
    }


def test_exchange_with_pytorch(path):
    torch = pytest.importorskip("torch")
    from safetensors import torch as theirs

    theirs.save_file({"w": torch.arange(6.0).reshape(2, 3)}, path)
    assert load(path)["w"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    save({"model": {"w": t([1.0, 2.0])}}, path)
    assert theirs.load_file(path)["model/w"].tolist() == [1.0, 2.0]
    theirs.save_file({"w": torch.ones(2, dtype=torch.bfloat16)}, path)
    with pytest.raises(FileFormatError, match="BF16.*float32"):
        load(path)


def test_every_cut_is_noticed(path):
    save({"model": {"w": t([1.0, 2.0])}, "lr": [0.1, 0.2]}, path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(FileFormatError) as caught:
            load(path)
        assert str(path) in str(caught.value)
    assert "cut off or damaged" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"just some text\n", "it is no safetensors file"),
        (b"PK\x03\x04" + bytes(50), "zip archive, as torch.save"),
        (b"\x80\x04" + bytes(50), "it is a pickle"),
        (bytes(100), "no safetensors file"),
    ],
    ids=["empty", "text", "zip", "pickle", "zeros"],
)
def test_foreign_files(path, content, message):
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_file_of_pytorch(path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.ones(2)}, path)
    with pytest.raises(FileFormatError, match="safetensors.torch.save_file"):
        load(path)


@given(st.binary(max_size=200))
def test_noise(noise):
    with pytest.raises(FileFormatError):
        load(io.BytesIO(noise))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"layout": 2, "value": 1}),
        json.dumps({"layout": 1, "value": {"tensor": "missing"}}),
        json.dumps({"layout": 1, "value": {"unknown": 1}}),
        json.dumps({"layout": 1, "value": {"dict": [[[], 1]]}}),
        json.dumps({"layout": 1, "value": {"dict": 3}}),
    ],
)
def test_a_damaged_structure(path, text):
    safetensors.save_file({"x": np.ones(1)}, path, metadata={"minigrad": text})
    with pytest.raises(FileFormatError, match="structure is not understood") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_arguments_of_pytorch(path):
    save({"x": 1}, path)
    for location in (None, "cpu", {"cuda:0": "cpu"}, lambda storage, where: storage):
        assert load(path, map_location=location, weights_only=True) == {"x": 1}
    with pytest.raises(RuntimeError, match="cuda"):
        load(path, map_location="cuda")
