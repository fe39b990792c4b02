"""Blocks: the units that people think in, from a fork to its join; and the same spans in a twin without skips.

A block is named by the module that joins, such as ``stage2.block1``, and hands on what that module hands on. So the
same span is found in a plain twin: by the module's path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

#: What rows can stand for.
LEVELS = ("blocks", "layers", "parameters")


class Block(NamedTuple):
    """A block in one graph.

    Attributes
    ----------
    name
        Its name, as in the ledger.
    path
        The module that it is, or that its branch is.
    output
        The node whose output the block hands on.
    pairs
        The names of the fork-join pairs in it.
    """

    name: str
    path: str
    output: Any
    pairs: tuple[str, ...] = ()


def blocks_of(nodes: Sequence[Any], joins: Sequence[tuple[str, Any]], like: Sequence[Block] = ()) -> list[Block]:
    """The blocks of a graph, in the order of their outputs.

    Parameters
    ----------
    nodes
        Its nodes, in forward order.
    joins
        The name and the join of each fork-join pair. Skips that belong to no module, such as a U-Net's, make no block.
    like
        The blocks of a twin. In a graph without skips they are found by their modules' paths; without a twin,
        numbered modules that contain others count, such as ``layer1.0``.
    """
    by_path: dict[str, list[tuple[str, Any]]] = {}
    for name, join in joins:
        path = join.module or name.partition("#")[0]
        by_path.setdefault(path, []).append((name, join))
    found = []
    for path, here in by_path.items():
        inside = [node for node in nodes if is_inside(node.module, path)]
        if not inside:
            continue
        outputs = dict.fromkeys(join for _, join in here)
        if len(outputs) == 1:
            last = here[0][1] if not here[0][1].module else inside[-1]
            found.append(Block(path, path, last, tuple(name for name, _ in here)))
            continue
        for join in outputs:  # as the attention and the MLP of a transformer's block
            pairs = tuple(name for name, its in here if its is join)
            found.append(Block(pairs[0], pairs[0], join, pairs))
    if not found:
        found = _spans(nodes, [(block.name, block.path) for block in like])
    if not found:
        found = _spans(nodes, [(path, path) for path in _numbered(nodes)])
    place = {node: number for number, node in enumerate(nodes)}
    return sorted(found, key=lambda block: place[block.output])


def _spans(nodes: Sequence[Any], named: Sequence[tuple[str, str]]) -> list[Block]:
    """The spans of modules, by name and path; a module that isn't there has none."""
    found = []
    for name, path in named:
        inside = [node for node in nodes if is_inside(node.module, path)]
        if inside:
            found.append(Block(name, path, inside[-1]))
    return found


def _numbered(nodes: Sequence[Any]) -> list[str]:
    """The innermost modules with a number for a name in which there are other modules."""
    paths = dict.fromkeys(node.module for node in nodes if node.module)
    parents: dict[str, None] = {}
    for path in paths:
        parts = path.split(".")
        numbered = [stop for stop in range(1, len(parts)) if parts[stop - 1].isdigit()]
        if numbered:
            parents[".".join(parts[: numbered[-1]])] = None
    return [path for path in parents if not any(other.startswith(path + ".") for other in parents)]


def is_inside(path: str, outer: str) -> bool:
    """Whether a module's path is that of another one, or of one within it."""
    return path == outer or path.startswith(outer + ".")
