"""The figures' numbers are those of the inspection; nothing is drawn as zero that is missing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, nn, plot


def axes():
    return Figure().subplots()


def net():
    block = [nn.Residual(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)), scale=0.5) for _ in range(3)]
    return nn.Sequential(nn.Linear(6, 6), *block, nn.Linear(6, 2))


@pytest.fixture
def loss():
    return F.cross_entropy(net()(mg.randn(8, 6)), mg.randint(2, (8,)))


def test_gradient_norms_draws_the_layers_norms(loss):
    trace = inspect.trace(loss)
    ax = plot.gradient_norms({"a": trace, "b": trace}, ax=axes(), level="layers")
    layers = trace.layers()
    drawn = [row for row in layers if row.params]  # what activations and joins hand on has other sizes
    for line, layer in zip(ax.get_lines(), ("branch.0", "branch.2"), strict=False):  # a line joins like and like
        np.testing.assert_array_equal(line.get_ydata(), [layers[f"{i}.{layer}"].norm for i in (1, 2, 3)])
    assert ax.get_yscale() == "log"
    assert [t.get_text() for t in ax.get_xticklabels()] == [row.name for row in drawn]
    assert "norm" in ax.get_ylabel()


def test_blocks_are_drawn_where_there_are_any_and_twins_stand_on_one_another(loss):
    trace = inspect.trace(loss)
    plain = nn.Sequential(nn.Linear(6, 5), *(nn.Sequential(nn.Linear(5, 5), nn.Tanh()) for _ in range(3)))
    other = inspect.trace(plain(mg.randn(4, 6)).square().mean())
    ax = plot.gradient_norms({"plain": other, "residual": trace}, ax=axes())
    blocks = trace.layers(level="blocks")
    assert [t.get_text() for t in ax.get_xticklabels()] == blocks.names
    for line, its in zip(ax.get_lines(), (other.layers(level="blocks"), blocks), strict=False):
        assert list(line.get_xdata()) == list(range(len(blocks)))
        np.testing.assert_array_equal(line.get_ydata(), its.norms)
    assert "block" in ax.get_xlabel()


def test_layers_of_several_nets_stand_under_their_names(loss):
    layers = inspect.trace(loss).layers()
    inside = layers.select("2")
    ax = plot.gradient_norms({"some": inside, "all": layers}, ax=axes())
    names = [t.get_text() for t in ax.get_xticklabels()]
    assert names == layers.names
    assert [names[int(x)] for x in ax.get_lines()[0].get_xdata()] == inside.names


def test_nets_with_other_layers_stand_under_numbers(loss):
    plain = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)))
    other = inspect.trace(plain(mg.ones(1, 2)).sum())
    ax = plot.gradient_norms({"residual": inspect.trace(loss), "plain": other}, ax=axes())
    assert "number of the layer" in ax.get_xlabel()
    assert not any("branch" in t.get_text() for t in ax.get_xticklabels())
    assert list(ax.get_lines()[-1].get_xdata()) == [0, 1]


def test_long_names_are_not_cut_off():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.a_name_of_some_length_for_an_encoder = net()

        def forward(self, x):
            return self.a_name_of_some_length_for_an_encoder(x)

    model = Deep()
    with inspect.Recorder(model) as recorder:
        trace = inspect.trace(model(mg.randn(8, 6)).square().mean())
    for ax in (plot.gradient_norms(trace), plot.norms_over_time(recorder), plot.ledger(trace)):
        ax.figure.draw_without_rendering()
        whole = ax.figure.bbox
        for text in (*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label):
            box = text.get_window_extent()
            assert box.x0 >= whole.x0 - 1
            assert box.y0 >= whole.y0 - 1


def test_what_is_missing_is_marked_and_not_drawn_as_zero():
    dead = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
    with mg.no_grad():
        dead[0].bias.fill_(-100.0)
    trace = inspect.trace(dead(mg.rand(4, 3)).mean())
    ax = plot.gradient_norms(trace, ax=axes())
    drawn = ax.get_lines()[0].get_ydata()
    assert np.isnan(drawn[0])
    assert "zero" in " ".join(t.get_text() for t in ax.get_legend().get_texts())


def test_parameters_can_be_drawn(loss):
    trace = inspect.trace(loss)
    ax = plot.gradient_norms(trace, ax=axes(), parameters=True)
    expected = [row.param_norm for row in trace.layers() if row.param_norm is not None]
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), expected)


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="no trace"):
        plot.gradient_norms({}, ax=axes())
    trace = inspect.trace(nn.Linear(2, 1)(mg.ones(1, 2)).sum())
    with pytest.raises(ValueError, match="no skip connection"):
        plot.ledger(trace, ax=axes())


def test_the_ledgers_three_terms_sum_to_one(loss):
    trace = inspect.trace(loss)
    ax = plot.ledger(trace, ax=axes())
    skip, branch = ([bar.get_height() for bar in bars] for bars in ax.containers)
    cross = ax.get_lines()[0].get_ydata()
    np.testing.assert_allclose(np.add(np.add(skip, branch), cross), 1, rtol=1e-5)


def test_path_lengths_are_parts_of_their_sums():
    model = net()
    loss = model(mg.randn(8, 6)).square().mean()
    paths = inspect.path_lengths(loss, wrt=model[0].weight)
    ax = plot.path_lengths(paths, ax=axes())
    heights = np.array([bar.get_height() for bar in ax.containers[0]])
    np.testing.assert_allclose(heights, paths.norms / paths.norms.sum())
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), np.array([1, 3, 3, 1]) / 8)


def test_norms_over_time():
    model = net()
    with inspect.Recorder(model) as recorder:
        for _ in range(3):
            model(mg.randn(4, 6)).square().mean().backward()
    ax = plot.norms_over_time(recorder, ax=axes())
    drawn = ax.get_images()[0].get_array()
    np.testing.assert_allclose(drawn, np.log10(recorder.norms))


def test_saving_leaves_no_half_written_file(tmp_path):
    figure = Figure()
    figure.subplots().plot([1, 2])
    path = plot.save(figure, tmp_path / "new" / "a.png")
    before = path.read_bytes()
    with pytest.raises(TypeError):
        plot.save(_Broken(), path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_pyplot_forgets_what_was_made_here_and_saved_and_nothing_else(loss, tmp_path):
    from matplotlib import pyplot

    trace, before = inspect.trace(loss), pyplot.get_fignums()
    theirs = pyplot.figure()
    for draw in (plot.ledger, plot.gradient_norms):
        plot.save(draw(trace).figure, tmp_path / "a.png")
        plot.save(draw(trace, ax=theirs.add_subplot()).figure, tmp_path / "b.png")
    assert pyplot.get_fignums() == [*before, theirs.number]
    with pyplot.ion():  # as in a notebook, which shows it below the cell
        ours = plot.ledger(trace).figure
        plot.save(ours, tmp_path / "c.png")
        assert ours.number in pyplot.get_fignums()
    pyplot.close(ours)
    pyplot.close(theirs)


@pytest.mark.parametrize(
    ("name", "start"), [("a", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_ending_says_what_is_written(name, start, tmp_path):
    figure = Figure()
    figure.subplots()
    assert plot.save(figure, tmp_path / name).read_bytes().startswith(start)


def test_a_figure_that_can_not_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    for place, told in (("", "is a folder"), ("file/a.png", "files can't go there"), ("a.docx", "not supported")):
        with pytest.raises(ValueError, match=told):
            plot.save(Figure(), tmp_path / place)


class _Broken:
    def savefig(self, file, dpi, format):
        file.write(b"half")
        raise TypeError("the disk is full, say")


def test_ledger_over_time_and_receipt():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), *(nn.Residual(nn.Linear(4, 4)) for _ in range(2)))
    with inspect.Recorder(net, ledger=True) as recorder:
        for _ in range(3):
            net(mg.ones(2, 3)).sum().backward()
    ax = plot.ledger_over_time(recorder, ax=axes())
    assert ax.images[0].get_array().shape == (2, 3)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2"]
    ax = plot.receipt(inspect.receipt(net(mg.ones(2, 3)).sum(), net), ax=axes())
    shares = ax.images[0].get_array()
    assert shares.shape == (3, 3)
    assert abs(shares.sum(1) - 1).max() < 1e-5
