"""The replay page as a file: what it holds, what is left out, and that the pass it shows is backward's own."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn
from minigrad.cli import main
from minigrad.inspect.page.thumbnails import thumbnail
from tests.inspect.nets import UNet


def net_and_loss(residual=True):
    mg.manual_seed(3)
    branch = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))
    net = nn.Sequential(nn.Linear(4, 6), nn.Residual(branch) if residual else branch, nn.Linear(6, 3))
    return net, (net(mg.randn(5, 4)) * mg.randn(5, 3)).sum()


def data_of(page):
    packed = re.search(r'id="data">([^<]*)<', page.html)[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def test_the_pass_is_backwards_own():
    net, loss = net_and_loss()
    page = inspect.replay(loss)
    twin, same = net_and_loss()
    same.backward()
    for p, q in zip(net.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad.array, q.grad.array)
    with pytest.raises(mg.OperationError, match="freed"):
        loss.backward()
    assert [s["node"] for s in data_of(page)["passes"][0]["steps"]] == [step.name for step in page.trace]


def test_numbers_are_those_of_the_trace_and_its_ledger():
    _, loss = net_and_loss()
    page = inspect.replay(loss)
    (part,) = data_of(page)["passes"]
    twin = inspect.trace(net_and_loss()[1])
    for shown, step, again in zip(part["steps"], page.trace, twin, strict=True):
        assert shown["norm"] == f"{step.norm:.4g}"
        assert step.norm == again.norm
        assert [size for *_, size in shown["sent"]] == [f"{n:.4g}" for n in step.norms_in if n is not None]
    (row,), (kept,) = part["ledger"], page.trace.ledger()
    assert (row["skip"], row["branch"], row["both"]) == tuple(
        f"{n:.4g}" for n in (kept.norm_skip, kept.norm_branch, kept.norm_in)
    )
    assert page.trace.steps[row["at"]["merged"] - 1].name == kept.fork
    assert row["at"]["skip"] < row["at"]["branch"] < row["at"]["merged"]
    assert [r[1] for r in part["lengths"]["rows"]] == ["1", "1"]


def test_the_same_pass_gives_the_same_bytes(run_python):
    script = (
        "import hashlib, minigrad as mg\nmg.manual_seed(0)\n"
        "net = mg.nn.Residual(mg.nn.Linear(3, 3))\n"
        "page = mg.inspect.replay(net(mg.randn(2, 3)).square().sum())\n"
        "print(hashlib.sha256(page.html.encode()).hexdigest())"
    )
    first, second = run_python(script), run_python(script)
    assert first.stdout
    assert first.stdout == second.stdout


def test_stops_are_noted_while_the_pass_runs():
    _, loss = net_and_loss()
    page = inspect.replay(loss, stop=lambda step: step.kind == "Tanh")
    (part,) = data_of(page)["passes"]
    assert [page.trace.steps[n - 1].kind for n in part["stops"]] == ["Tanh"]
    page = inspect.replay(net_and_loss()[1], stop=inspect.vanishing(1e-12))
    assert data_of(page)["passes"][0]["stops"] == []
    with pytest.raises(TypeError, match="a condition is a function"):
        inspect.replay(net_and_loss()[1], stop=3)


def test_a_twin_beside_is_followed_by_module():
    page = inspect.replay(net_and_loss()[1], beside=net_and_loss(residual=False)[1])
    follow = data_of(page)["follow"]
    assert len(follow) == len(page.trace)
    assert follow == sorted(follow)
    assert (follow[0], follow[-1]) == (1, len(page.beside))
    for step, n in zip(page.trace, follow, strict=True):
        if step.module in ("0", "2"):
            assert page.beside.steps[n - 1].module == step.module


def test_nothing_on_the_page_can_end_its_script_or_load_anything():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    x.name = "</script><img src=x>"
    s, b = mg.skip.fork(x)
    page = inspect.replay(mg.skip.residual_add(s, b * 0.5).sum())  # <b>here</b>
    assert "<img" not in page.html
    assert "<b>here" not in page.html
    assert page.html.count("</script>") == 2
    assert "default-src 'none'" in page.html
    # The namespace is a name, and no address that is asked.
    assert set(re.findall(r"https?://[^\"' ]*", page.html)) <= {"http://www.w3.org/2000/svg"}
    assert 'type="module"' not in page.html


def test_a_budget_says_what_it_left_out():
    whole = inspect.replay(net_and_loss()[1])
    assert whole.left_out == []
    size = len(whole.html)
    tight = inspect.replay(net_and_loss()[1], budget=size - 200)
    assert tight.left_out[0] == "the pictures of the steps' gradients"
    assert len(tight.html.encode()) <= size - 200
    assert "Left out to keep to the budget: the pictures of the steps" in tight.html
    assert data_of(tight)["left"] == tight.left_out
    with pytest.raises(ValueError, match="the steps alone take"):
        inspect.replay(net_and_loss()[1], budget=1000)


def test_save_is_whole_or_not_at_all(tmp_path):
    page = inspect.replay(net_and_loss()[1])
    page.save(tmp_path / "replay.html")
    assert (tmp_path / "replay.html").read_text(encoding="utf-8") == page.html
    assert [path.name for path in tmp_path.iterdir()] == ["replay.html"]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        page.save(tmp_path / "nowhere" / "replay.html")


def test_above_1000_steps_modules_are_one_box_each():
    stages = [nn.Residual(nn.Sequential(*(nn.Tanh() for _ in range(600)))) for _ in range(2)]
    y = nn.Sequential(nn.Linear(3, 3), *stages)(mg.ones(1, 3))
    page = inspect.replay(y.sum())
    drawing = data_of(page)["passes"][0]["drawing"]
    assert len(page.trace) > 1000
    assert len(drawing["boxes"]) <= 400
    assert sorted(n for box in drawing["boxes"] for n in box["nodes"]) == sorted(step.name for step in page.trace)
    assert len(drawing["arcs"]) == 2
    assert "1.branch" in [box["label"] for box in drawing["boxes"]]


def test_implicit_forks_have_their_arcs_and_no_skips_are_said():
    net = UNet()
    page = inspect.replay(net(mg.randn(1, 1, 8, 8)).square().sum())
    (part,) = data_of(page)["passes"]
    assert len(part["drawing"]["arcs"]) == len(page.trace.ledger()) == 2
    for row, kept in zip(part["ledger"], page.trace.ledger(), strict=True):
        assert page.trace.steps[row["at"]["merged"] - 1].name == kept.fork
    plain = inspect.replay(mg.tensor([1.0], requires_grad=True).square().sum())
    assert "There is no skip connection" in plain.html
    assert data_of(plain)["passes"][0]["lengths"]["why"]


def test_infinite_gradients_and_scalars_make_a_page():
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    page = inspect.replay(x.log().sum())
    first, last = data_of(page)["passes"][0]["steps"][0], data_of(page)["passes"][0]["steps"][-1]
    assert first["picture"]["bars"] == [1]
    assert last["sent"][0][2] == "inf"


@pytest.mark.parametrize("shape", [(3,), (40, 50), (2, 3, 4), (2, 3, 20, 9), (), (5, 1)])
def test_a_thumbnail_is_small_and_keeps_the_mean(shape):
    found = thumbnail(np.random.default_rng(0).standard_normal(shape))
    if "bars" in found:
        assert len(found["bars"]) <= 16
        assert sum(found["bars"]) == max(1, np.prod(shape))
    else:
        assert max(found["rows"], found["columns"]) <= 16
        assert len(base64.b64decode(found["cells"])) == found["rows"] * found["columns"]


def test_the_command_records_the_first_pass_and_the_script_goes_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "train.py").write_text(
        "import sys\nimport minigrad as mg\nx = mg.tensor([1.0, 2.0], requires_grad=True)\n"
        "for i in range(2):\n    s, b = mg.skip.fork(x)\n    mg.skip.residual_add(s, b * 0.5).sum().backward()\n"
        "    print('pass', i, x.grad.tolist(), sys.argv[1:])\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["replay", "train.py", "--out", "it.html", "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "pass 0 [1.5, 1.5] ['--epochs', '3']" in out
    assert "pass 1 [3.0, 3.0]" in out
    assert "it.html: 4 steps" in out
    assert "ResidualAdd" in (tmp_path / "it.html").read_text(encoding="utf-8")
    (tmp_path / "none.py").write_text("print('no pass')\n")
    assert main(["replay", "none.py"]) == 1
    assert "without a backward pass" in capsys.readouterr().err
    assert main(["replay", "absent.py"]) == 2
