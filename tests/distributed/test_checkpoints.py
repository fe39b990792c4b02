"""A checkpoint that one rank writes is read by all, on another number of ranks too."""

import numpy as np

import minigrad as mg

from .launch import needs_mpi, passes


@needs_mpi
def test_training_goes_on_as_on_one_process_whatever_the_numbers_of_ranks(tmp_path):
    passes("resume", tmp_path, ranks=1)
    start = mg.load(tmp_path / "checkpoint.safetensors")
    finals = []
    for first, second in ((1, 1), (2, 4), (3, 2)):
        folder = tmp_path / f"{first} then {second}"
        folder.mkdir()
        mg.save(start, folder / "checkpoint.safetensors")
        passes("resume", folder, ranks=first)
        passes("resume", folder, ranks=second)
        finals.append(mg.load(folder / "checkpoint.safetensors"))
        assert finals[-1]["epoch"] == 9
        assert [p.name for p in folder.iterdir()] == ["checkpoint.safetensors"]  # no half-written file is left
    assert all(name.startswith("module.") for name in finals[0]["model"])
    for other in finals[1:]:
        for name, value in finals[0]["model"].items():
            np.testing.assert_allclose(other["model"][name].array, value.array, rtol=1e-9, atol=1e-12)
