"""Layers divided among ranks equal the whole ones: outputs, gradients, norms and files."""

import pytest

from .launch import needs_mpi, passes


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_divided_layers_equal_the_whole_ones(ranks, tmp_path):
    assert passes("tensor_parallel", tmp_path, ranks=ranks).count("whole") == ranks
