"""Einstein's summation: ``einsum("bij,bjk->bik", a, b)`` names every axis, and sums over those it leaves out.

Two operands become one batched matrix product, more of them a chain of such products. The gradient of an
operand is an einsum again: of the output's gradient and the other operands.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels.product import product
from minigrad.ops.common import is_array, shape_of
from minigrad.ops.rearrange import Diagonal
from minigrad.ops.shape import Expand, Permute


class Einsum(Node):
    """The products of all operands' elements, summed over the letters that the output leaves out.

    Backward: ``gx`` is the einsum of ``gy`` and the other operands, with the letters of ``x`` for output.
    No letter stands twice in one operand.
    """

    def __init__(self, letters: tuple[str, ...], output: str) -> None:
        self.letters, self.output = letters, output

    @property
    def equation(self) -> str:
        """The equation, as einsum takes it."""
        return f"{','.join(self.letters)}->{self.output}"

    def forward(self, *xs: Any) -> Any:
        # An operand is read for the gradients of the others only.
        wants = getattr(self, "wants", (True,) * len(xs))
        read = [any(wants[:i] + wants[i + 1 :]) for i in range(len(xs))]
        self.operands = tuple(x if needed else None for x, needed in zip(xs, read, strict=True))
        if len(xs) == 2:
            return _pair(xs[0], xs[1], self.letters[0], self.letters[1], self.output)
        if len(xs) == 1 and xs[0].dtype.kind in "bui" and len(self.output) < xs[0].ndim:
            return np.einsum(self.equation, xs[0].astype(np.int64))  # a sum of integers, as sum() gives it
        return np.einsum(self.equation, *xs, optimize=len(xs) > 2)

    def backward(self, gy: Any) -> Any:
        # With create_graph, the inputs are tensors and ``operands`` only their arrays.
        xs = self.operands if is_array(gy) else self.inputs
        return tuple(self._gradient(i, gy, xs) if wanted else None for i, wanted in enumerate(self.wants))

    def _gradient(self, i: int, gy: Any, xs: Sequence[Any]) -> Any:
        others = [j for j in range(len(xs)) if j != i]
        given = (self.output, *(self.letters[j] for j in others))
        operands = (gy, *(xs[j] for j in others))
        sizes: dict[str, int] = {}
        for letters, x in zip(given, operands, strict=True):
            for letter, n in zip(letters, x.shape, strict=True):
                if sizes.get(letter, 1) == 1:
                    sizes[letter] = n
        shape = self.inputs[i].shape
        own = self.letters[i]
        # A letter that only this operand has, or that was broadcast, isn't an axis of the product.
        kept = "".join(k for k, n in zip(own, shape, strict=True) if k in sizes and (n != 1 or sizes[k] == 1))
        g = Einsum(given, kept).apply_to(*operands)
        sizes_g = dict(zip(kept, g.shape, strict=True))
        g = g.reshape(tuple(sizes_g.get(k, 1) for k in own))
        return g if g.shape == shape else Expand(shape).apply_to(g)


def _pair(a: Any, b: Any, letters_a: str, letters_b: str, output: str) -> Any:
    """The einsum of two arrays, by one batched matrix product."""
    a, letters_a = _sum_alone(a, letters_a, letters_b + output)
    b, letters_b = _sum_alone(b, letters_b, letters_a + output)
    batch = [k for k in letters_a if k in letters_b and k in output]
    inner = [k for k in letters_a if k in letters_b and k not in output]
    rows = [k for k in letters_a if k not in letters_b]
    columns = [k for k in letters_b if k not in letters_a]
    sizes_a, sizes_b = dict(zip(letters_a, a.shape, strict=True)), dict(zip(letters_b, b.shape, strict=True))
    if any(sizes_a[k] != sizes_b[k] for k in batch + inner) or not inner:
        return np.einsum(f"{letters_a},{letters_b}->{output}", a, b)  # broadcast, or nothing to sum
    a = a.transpose([letters_a.index(k) for k in batch + rows + inner])
    b = b.transpose([letters_b.index(k) for k in batch + inner + columns])
    shape = [sizes_a[k] for k in batch]
    m, k, n = (math.prod(s[c] for c in part) for s, part in ((sizes_a, rows), (sizes_a, inner), (sizes_b, columns)))
    y = product(a.reshape(*shape, m, k), b.reshape(*shape, k, n))
    y = y.reshape((*shape, *(sizes_a[c] for c in rows), *(sizes_b[c] for c in columns)))
    made = batch + rows + columns
    return y.transpose([made.index(c) for c in output])


def _sum_alone(x: Any, letters: str, elsewhere: str) -> tuple[Any, str]:
    """Sum over the letters that stand nowhere else."""
    alone = tuple(i for i, k in enumerate(letters) if k not in elsewhere)
    return (x.sum(axis=alone), "".join(k for k in letters if k in elsewhere)) if alone else (x, letters)


def einsum(equation: Any, *operands: Any) -> Any:
    """Multiply and sum, as an equation of letters says.

    Parameters
    ----------
    equation
        The letters of each operand's axes, and after ``->`` those of the result: ``"bij,bjk->bik"``.
        Without ``->``, the result has the letters that stand once, in alphabetical order. ``...`` stands
        for further axes, which broadcast.
    operands
        The tensors, one by one or as one list. PyTorch's other form, ``einsum(a, [0, 1], b, [1, 2], [0, 2])``,
        works too.

    Returns
    -------
    Tensor

    Raises
    ------
    OperationError
        If the equation doesn't fit the operands.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.einsum("ij,j->i", mg.ones(2, 3), mg.ones(3)).tolist()
    [3.0, 3.0]
    """
    if not isinstance(equation, str):
        equation, operands = _from_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    letters, output = _parse(equation.replace(" ", ""), [shape_of(x) for x in operands])
    dtypes = list(dict.fromkeys(str(x.dtype) for x in operands))
    if len(dtypes) > 1:
        raise OperationError(f"einsum: the operands are {' and '.join(dtypes)}: bring them to one dtype with .to()")
    parts = []
    for position, x in enumerate(operands):
        while len(dict.fromkeys(letters[position])) < len(letters[position]):
            x, letters[position] = _diagonal(x, letters[position])
        parts.append(x)
    # An output of one letter set and one operand is only a reordering.
    if len(parts) == 1 and sorted(letters[0]) == sorted(output):
        return Permute(tuple(letters[0].index(k) for k in output)).apply_to(parts[0])
    missing = [k for k in output if k not in "".join(letters)]
    if missing:
        raise OperationError(f"einsum: {missing[0]!r} stands in the output of {equation!r}, but in no operand")
    return Einsum(tuple(letters), output).apply_to(*parts)


def _diagonal(x: Any, letters: str) -> tuple[Any, str]:
    """Of two axes with one letter, only the diagonal counts."""
    letter = next(k for k in letters if letters.count(k) > 1)
    first = letters.index(letter)
    second = letters.index(letter, first + 1)
    if x.shape[first] != x.shape[second]:
        raise OperationError(f"einsum: {letter!r} stands for two sizes of an operand of shape {tuple(x.shape)}")
    rest = letters[:first] + letters[first + 1 : second] + letters[second + 1 :]
    return Diagonal(0, first, second).apply_to(x), rest + letter


def _parse(equation: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """Give each operand's letters and the output's, with letters of their own for ``...``."""
    left, arrow, output = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise OperationError(f"einsum: {equation!r} has {len(terms)} operands, {len(shapes)} were given")
    bare = equation.replace("->", "").replace(",", "").replace("...", "")
    if not all(k in string.ascii_letters for k in bare):
        raise OperationError(f"einsum: {equation!r} may only hold letters, commas, '...' and one '->'")
    spare = [k for k in string.ascii_letters if k not in equation]
    counts = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)]
    dots = max((n for n, term in zip(counts, terms, strict=True) if "..." in term), default=0)
    letters = []
    sizes: dict[str, int] = {}
    for term, shape, count in zip(terms, shapes, counts, strict=True):
        if count < 0 or (count and "..." not in term):
            raise OperationError(f"einsum: {term!r} doesn't name the axes of an operand of shape {tuple(shape)}")
        full = term.replace("...", "".join(spare[dots - count : dots]))
        for k, n in zip(full, shape, strict=True):
            if sizes.get(k, 1) not in (1, n) and n != 1:
                raise OperationError(f"einsum: in {equation!r}, {k!r} stands for sizes {sizes[k]} and {n}")
            sizes[k] = n if sizes.get(k, 1) == 1 else sizes[k]
        letters.append(full)
    every = "".join(letters)
    if not arrow:
        output = "..." + "".join(k for k in sorted(sizes) if every.count(k) == 1 and k in equation)
    output = output.replace("...", "".join(spare[:dots]))
    if len(dict.fromkeys(output)) < len(output):
        raise OperationError(f"einsum: a letter stands twice in the output of {equation!r}")
    return letters, output


def _from_lists(arguments: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """``a, [0, 1], b, [1, 2], [0, 2]`` as an equation and operands."""

    def term(axes: Sequence[Any]) -> str:
        return "".join("..." if k is Ellipsis else string.ascii_letters[k] for k in axes)

    count = len(arguments) // 2
    equation = ",".join(term(arguments[2 * i + 1]) for i in range(count))
    if len(arguments) % 2:
        equation += "->" + term(arguments[-1])
    return equation, tuple(arguments[2 * i] for i in range(count))
