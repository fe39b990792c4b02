"""Names for fork-join pairs, taken from the modules that made them; and choosing pairs by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from minigrad import arguments
from minigrad.inspect.forks.graph import Graph, UnknownNameError, matching, unknown

#: Blocks, by name, glob, number in forward order, or several of these; None for all.
Blocks = str | int | Sequence[str | int] | None


class Named(Protocol):
    """What has a name: a pair, or a row of the ledger."""

    @property
    def name(self) -> str:
        """The block's name."""


T = TypeVar("T", bound=Named)


def name_pairs(pairs: Sequence[Any], graph: Graph) -> None:
    """Give every pair a name of its own: the path of its block, where there is one.

    Where several pairs have one path, as the attention and the MLP of a transformer's block, the part of
    the branch is added (``h.0.attn``), or else a number (``h.0#1``).
    """
    for number, pair in enumerate(pairs):
        pair.name = _path(pair, graph) or f"block{number}"
    for naming in (_with_part, _with_number):
        by_name: dict[str, list[Any]] = {}
        for pair in pairs:
            by_name.setdefault(pair.name, []).append(pair)
        for same in by_name.values():
            if len(same) > 1:
                _rename(same, naming, list(by_name))


def _rename(same: list[Any], naming: Callable[[Any, int], str], taken: list[str]) -> None:
    names = [naming(pair, number) for number, pair in enumerate(same)]
    if len(dict.fromkeys(names)) == len(names) and not any(name in taken for name in names):
        for pair, name in zip(same, names, strict=True):
            pair.name = name


def _with_part(pair: Any, number: int) -> str:
    """``h.0`` and the child of it in which the branch ends."""
    for node in reversed(pair.branch_nodes):
        if node.module.startswith(pair.name + "."):
            return f"{pair.name}.{node.module[len(pair.name) + 1 :].partition('.')[0]}"
    return pair.name


def _with_number(pair: Any, number: int) -> str:
    return f"{pair.name}#{number}"


def _path(pair: Any, graph: Graph) -> str:
    """The module that joined; or else the one that all of the branch is in; or else from where to where."""
    if pair.join.module:
        return pair.join.module
    branch = common([node.module for node in pair.branch_nodes if node.module])
    if branch:
        return branch
    maker = pair.value[0].module if isinstance(pair.value, tuple) else ""
    reader = next((edge.node.module for edge in graph.readers.get((pair.join, 0), ()) if edge.node.module), "")
    return f"{_top(maker)}->{_top(reader)}" if maker and reader else ""


def common(paths: Sequence[str]) -> str:
    """The longest path that all paths start with.

    Examples
    --------
    >>> common(["blocks.0.fc1", "blocks.0.fc2"])
    'blocks.0'
    """
    if not paths:
        return ""
    parts = [path.split(".") for path in paths]
    shared = []
    for column in zip(*parts, strict=False):
        if len(dict.fromkeys(column)) > 1:
            break
        shared.append(column[0])
    return ".".join(shared)


def _top(path: str) -> str:
    return path.partition(".")[0]


def choose(pairs: Sequence[T], blocks: Blocks) -> list[T]:
    """The pairs that are asked for, in forward order.

    Parameters
    ----------
    pairs
        Those of the graph, or the rows about them.
    blocks
        A name (``stage2`` takes all blocks in it), a glob (``*.attn``), a number in forward order, or several
        of these; None for all.

    Raises
    ------
    UnknownNameError
        If there is no such block; it offers the nearest names.
    """
    if blocks is None:
        return list(pairs)
    wanted: dict[T, None] = {}
    several = [blocks] if isinstance(blocks, (str, int)) else blocks
    for block in several if isinstance(several, Iterable) else [several]:
        if not isinstance(block, (str, int)):
            raise arguments.wrong_kind("blocks", "each", "a name or a number of a block", block)
        wanted.update(dict.fromkeys(_named(pairs, block)))
    return [pair for pair in pairs if pair in wanted]


def _named(pairs: Sequence[T], block: str | int) -> list[T]:
    names = [pair.name for pair in pairs]
    if isinstance(block, int):
        if not -len(pairs) <= block < len(pairs):
            raise UnknownNameError(f"there is no block number {block}: there are {len(pairs)}, counted from 0")
        return [pairs[block]]
    hits = matching(names, block) or [name for name in names if name.partition("#")[0] == block]
    if not hits:
        raise unknown("block", block, names)
    return [pair for pair in pairs if pair.name in hits]
