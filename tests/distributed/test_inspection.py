"""A net in stages looks as the whole net does: trace, ledger and path lengths; and its schedule is drawn to scale."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from minigrad import plot
from minigrad.distributed.pipelining import one_f_one_b_order, simulate

from .launch import needs_mpi, passes


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_stages_look_as_the_whole_net(ranks):
    assert passes("inspect_stages", ranks=ranks).count("whole") == ranks


def test_the_picture_is_to_scale():
    events = simulate([one_f_one_b_order(stage, 3, 4) for stage in range(3)], forward=1.0, backward=2.0)
    ax = plot.pipeline(events, ax=Figure().subplots())
    drawn = [box for bars in ax.collections for box in bars.get_paths()]
    widths = [np.ptp(path.vertices[:, 0]) for path in drawn]
    assert sum(widths) == pytest.approx(sum(event.end - event.start for event in events))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rank 0", "rank 1", "rank 2"]
    assert ax.get_legend_handles_labels()[1] == ["forward", "backward", "wait"]


def test_a_picture_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="there are no events"):
        plot.pipeline([])


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_the_laws_of_collectives(ranks):
    assert passes("laws", ranks=ranks).count("held") == ranks
