"""A step in words: what arrived at a node, what its rule made of it, and where a gradient came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import Array, TensorBase
from minigrad.engine.node import Node
from minigrad.inspect import measure
from minigrad.inspect.forks.graph import Value, describe, inputs_of, leaf_name
from minigrad.inspect.forks.pairs import Pair
from minigrad.inspect.say.source_view import place_of
from minigrad.inspect.say.step_names import arriving_names, gradient_name
from minigrad.inspect.say.table import Table
from minigrad.inspect.stepping.tape import Tape
from minigrad.inspect.tracing.steps import TracedStep
from minigrad.skip import (
    DeltaShortcut,
    DepthMix,
    Fork,
    HighwayGate,
    OrthogonalAdd,
    ResidualAdd,
    ReversibleChain,
    SkipConcat,
    StochasticAdd,
    StreamMix,
)

#: What a node of a skip connection does in backward, in a sentence.
MIRROR = {
    Fork: "forks in forward, so here the gradients of its ways are summed",
    ResidualAdd: "joins in forward, so here one gradient is copied to both ways",
    SkipConcat: "joins in forward, so here the gradient is sliced: a part for each way",
    HighwayGate: "joins in forward, so here the gradient is weighed by the gate",
    StreamMix: "mixes streams in forward, so here their gradients are mixed, by the transposed matrix",
    DepthMix: "joins all earlier values in forward, so here the gradient is split by their weights",
    StochasticAdd: "joins in forward, so here the gradient is copied to the skip, and weighed for the branch",
    OrthogonalAdd: "joins in forward, so here the branch gets what of the gradient is orthogonal to the skip",
    DeltaShortcut: "erases a direction in forward, and so it does here",
    ReversibleChain: "couples two halves in forward, so here its inputs are rebuilt, block by block",
}


@np.errstate(all="ignore")
def describe_step(tape: Tape, step: TracedStep) -> str:
    """A step as the stepper shows it."""
    node = step.node
    total = f"of {len(tape.graph.nodes)}"
    where = f" in {step.module!r}" if step.module else ""
    lines = [f"[{tape.at + 1} {total}] {step.name}{where}"]
    place = place_of(step.source)
    if place:
        lines.append(f"  made by  {place}")
    # (In full, as pdb's ``b`` takes it: many an operation of ops has the name of the layer of nn that applies it.)
    lines.append(f"  rule     {type(node).__module__}.{type(node).__qualname__}.backward")
    for kind, sentence in MIRROR.items():
        if isinstance(node, kind):
            lines.append(f"  it {sentence}")
    if isinstance(node, Fork):
        lines += _aligned(_merge(tape, node, step))
    else:
        arrived = zip(arriving_names(node), step.grad_outputs, strict=True)
        lines += _aligned([*(("arrives", name, g, "") for name, g in arrived), *_sent_on(node, step)])
    for slot in range(len(node.out_shapes)):
        parts = tape.contributions((node, slot))
        if len(parts) > 1:
            lines += _merging(tape, (node, slot), tape.pair_at(node))
    return "\n".join(lines)


def _sent_on(node: Node, step: TracedStep) -> list[tuple[str, str, Array | None, str]]:
    rows = []
    for (_, position), value in inputs_of(node):
        to = f"to {leaf_name(node, position, value) if isinstance(value, TensorBase) else value[0].name}"
        rows.append(("sends", gradient_name(node, position), step.grad_inputs[position], to))
    return rows


def _aligned(rows: list[tuple[str, str, Array | None, str]]) -> list[str]:
    """Lines such as ``arrives  gy  (4, 8)  norm 0.5``."""
    cells = [(what, name, *_size(g), note) for what, name, g, note in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    return ["  " + "  ".join([*(row[i].ljust(widths[i]) for i in range(4)), row[4]]).rstrip() for row in cells]


def _size(gradient: Array | None) -> tuple[str, str]:
    if gradient is None:
        return "nothing", ""
    wrong = measure.condition(measure.norm(gradient), gradient.dtype)
    return str(gradient.shape), f"norm {measure.norm(gradient):.4g}" + (f" ({wrong})" if wrong else "")


def _merge(tape: Tape, node: Fork, step: TracedStep) -> list[tuple[str, str, Array | None, str]]:
    """The ways of a fork, before and after they merge."""
    pair = tape.pair_at(node)
    grads = [g for g in step.grad_outputs if g is not None]
    rows: list[tuple[str, str, Array | None, str]] = []
    for slot, gradient in enumerate(step.grad_outputs):
        way = pair.parts.get(slot, "") if pair is not None else ""
        readers = ", ".join(kind_and_number(edge.node) for edge in tape.graph.readers.get((node, slot), ()))
        rows.append(("before", f"{_over(way)}g{slot}", gradient, f"from {readers}" if readers else "never used"))
    (after,) = _sent_on(node, step)
    rows.append(("after", f"their sum: {after[1]}", after[2], "; ".join(filter(None, (after[3], _angle(grads))))))
    return rows


def _merging(tape: Tape, value: Value, pair: Pair | None) -> list[str]:
    """The parts of a value that is read several times, before and after the engine adds them."""
    parts = tape.contributions(value)
    rows: list[tuple[str, str, Array | None, str]] = []
    ways = {} if pair is None else pair.parts
    for edge, gradient in parts:
        way = ways.get(edge, "")
        name = gradient_name(edge.node, edge.position)
        rows.append(("before", f"{_over(way)}{name}", gradient, f"from {kind_and_number(edge.node)}"))
    grads = [gradient for _, gradient in parts]
    rows.append(("after", "their sum", sum_of(grads), _angle(grads)))
    title = f"  its value is read {len(parts)} times, so what arrives is a sum:"
    return [title, *("  " + line for line in _aligned(rows))]


def _over(way: str) -> str:
    return f"{way}: " if way in ("skip", "branch") else ""


def kind_and_number(node: Node) -> str:
    """A node's name, and its module's."""
    return f"{node.name} in {node.module!r}" if node.module else node.name


def sum_of(parts: list[Array]) -> Array:
    """The sum, in the order in which the engine adds."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _angle(grads: list[Array]) -> str:
    """How two gradients stand to each other, in words."""
    cosine = measure.cosine(grads[0], grads[1]) if len(grads) == 2 else None
    if cosine is None:
        return ""
    how = "they pull together" if cosine > 0.05 else "they work against each other" if cosine < -0.05 else ""
    return f"cosine {cosine:.3f}" + (f": {how}" if how else ": at right angles")


@np.errstate(all="ignore")
def why(tape: Tape, value: Value) -> str:
    """Which contributions made the gradient of a value, and from which lines they came."""
    parts = tape.contributions(value)
    awaited = tape.awaited(value)
    seed = tape.starts.get(value)
    if seed is not None and not parts and not awaited:
        start = f"{describe(value, tape.graph)} is where the pass starts: its gradient was given"
        return f"{start}, {seed.item():g}." if seed.size == 1 else f"{start}."
    if not parts and not awaited:
        return f"no gradient comes to {describe(value, tape.graph)}: nothing that leads to the loss reads it."
    if not parts:
        return f"nothing has come to {describe(value, tape.graph)} yet; still awaited: {_names_of(awaited)}."
    total = sum_of([gradient for _, gradient in parts])
    size = measure.norm(total)
    rows: list[list[Any]] = []
    shares: list[float] = []
    origins = tape.origins(value)
    for edge, gradient in origins:
        share = measure.cosine(gradient, total)
        part = share * measure.norm(gradient) / size if share is not None and size else None
        shares += [] if part is None else [part]
        rows.append([
            edge.node.name, edge.node.module, gradient_name(edge.node, edge.position), measure.norm(gradient),
            None if part is None else f"{100 * part:.0f} %", place_of(edge.node.source)[:60],
        ])  # fmt: skip
    what = "contribution" if len(origins) == 1 else "contributions"
    title = f"The gradient of {describe(value, tape.graph)}, norm {size:.4g}, is made of {len(origins)} {what}:"
    notes = [f"still awaited: {_names_of(awaited)}"] if awaited else []
    if any(part < 0 for part in shares):
        notes.append("a share below 0 works against the sum; so others are above what they leave")
    if not awaited and _changed_since(tape, value, total):
        notes.append("what was used is not this sum: a hook changed it")
    return str(Table(["sent by", "module", "as", "norm", "share", "line"], rows, title=title, notes=notes))


def _names_of(edges: list[Any]) -> str:
    return ", ".join(kind_and_number(edge.node) for edge in edges)


def _changed_since(tape: Tape, value: Value, total: Array) -> bool:
    """Whether a node was given something other than the sum."""
    if not isinstance(value, tuple):
        return False
    step = next((s for s in tape.steps if s.node is value[0]), None)
    used = step.grad_outputs[value[1]] if step is not None else None
    return used is not None and not np.array_equal(used, total, equal_nan=True)


def ending(tape: Tape) -> str:
    """What to say when the pass is over."""
    leaves = sum(leaf._grad is not None for leaf in tape.graph.leaves)
    found = (
        f", and gradients in .grad of {leaves} {'leaf' if leaves == 1 else 'leaves'}" if leaves else ""
    )  # (grad() puts them elsewhere)
    return (
        f"The pass is over: {len(tape.steps)} nodes{found}. "
        "back goes back, ledger shows what the skips carried, c goes on with your program."
    )
