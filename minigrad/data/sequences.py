"""Sequences to learn: English text that Python brings along, and two tasks that need a long memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minigrad import arguments
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.tensor import Tensor, from_array


def text() -> str:
    """Real English of some 450,000 characters: the help that comes with Python. Nothing is downloaded.

    It is the text of the module ``pydoc_data.topics``, Python's own language reference, and differs a little from
    version to version.

    Raises
    ------
    FileNotFoundError
        Where Python was installed without it, as some slim distributions are.

    Examples
    --------
    >>> from minigrad import data
    >>> words = data.text()
    >>> len(words) > 400_000, "exception" in words
    (True, True)
    """
    try:
        from pydoc_data.topics import topics  # not at the top: some Pythons come without it
    except ImportError:
        raise FileNotFoundError(
            "data.text(): this Python came without its help texts (the module pydoc_data.topics). Install Python's "
            "standard library whole, or read a text file of your own: open(path, encoding='utf-8').read()"
        ) from None
    found: Mapping[str, str] = topics
    whole = "\n".join(found[name] for name in sorted(found))
    if not whole:
        raise FileNotFoundError("data.text(): the module pydoc_data.topics is there, but it holds no text")
    return whole


def adding_problem(n: int, length: int, seed: int | None = None) -> tuple[Tensor, Tensor]:
    """Sequences of numbers, two of them marked: the target is the sum of those two.

    A number is uniform in [0, 1); one mark is in each half (Hochreiter and Schmidhuber, 1997, in
    the later form by Le et al., 2015). Who always says 1 has a mean squared error of 1/6, the variance of the sum.

    Parameters
    ----------
    n, length
        How many sequences, and how long: at least 2.
    seed
        Of the random numbers; None takes the generator that ``manual_seed`` sets.

    Returns
    -------
    sequences : Tensor
        float32, (n, length, 2): numbers, and marks (0 or 1).
    sums : Tensor
        float32, (n,).

    Raises
    ------
    ValueError
        If there is no place for two marks.

    Examples
    --------
    >>> from minigrad import data
    >>> x, y = data.adding_problem(3, 10, seed=0)
    >>> x.shape, y.shape, x[:, :, 1].sum(1).tolist()
    ((3, 10, 2), (3,), [2.0, 2.0, 2.0])
    """
    n = arguments.integer("adding_problem", "n", n, least=0)
    length = arguments.integer("adding_problem", "length", length, least=2)  # for two marks
    arguments.room("adding_problem", (n, length, 2), np.float64)
    rng = _generator(seed)
    numbers = rng.random((n, length), np.float32)
    marks = np.zeros((n, length), np.float32)
    rows = np.arange(n)
    first, second = rng.integers(0, length // 2, n), rng.integers(length // 2, length, n)
    marks[rows, first] = marks[rows, second] = 1
    return from_array(np.stack([numbers, marks], axis=2)), from_array(numbers[rows, first] + numbers[rows, second])


def copy_task(
    n: int, length: int, seed: int | None = None, symbols: int = 8, memory: int = 10
) -> tuple[Tensor, Tensor]:
    """Sequences to remember over a pause: symbols, ``length`` blanks, a sign, and then the symbols are to be said.

    Hochreiter and Schmidhuber (1997), in the form by Arjovsky et al. (2016). Who says a blank until the sign and then
    guesses has a cross-entropy of ``memory * log(symbols) / (length + 2 * memory)``.

    Parameters
    ----------
    n, length
        How many sequences, and how long the pause is: at least 1.
    seed
        Of the random numbers; None takes the generator that ``manual_seed`` sets.
    symbols, memory
        How many symbols there are, 1 to ``symbols``, and how many are to be remembered.

    Returns
    -------
    inputs, targets : Tensor
        int64, (n, length + 2 * memory). 0 is the blank, ``symbols + 1`` the sign.

    Raises
    ------
    ValueError
        If a size is too small.

    Examples
    --------
    >>> from minigrad import data
    >>> x, y = data.copy_task(1, 3, seed=0, memory=2)
    >>> x.shape, y[0, :5].tolist(), (x[0, :2] == y[0, 5:]).all().item()
    ((1, 7), [0, 0, 0, 0, 0], True)
    """
    n = arguments.integer("copy_task", "n", n, least=0)
    given = {"length": length, "memory": memory}
    length, memory = (arguments.integer("copy_task", name, value, least=1) for name, value in given.items())
    symbols = arguments.integer("copy_task", "symbols", symbols, 1, 2**31)
    arguments.room("copy_task", (2, n, length + 2 * memory), np.int64)
    said = _generator(seed).integers(1, symbols + 1, (n, memory))
    inputs, targets = np.zeros((2, n, length + 2 * memory), np.int64)
    inputs[:, :memory] = targets[:, -memory:] = said
    inputs[:, memory + length - 1] = symbols + 1
    return from_array(inputs), from_array(targets)


def _generator(seed: int | None) -> np.random.Generator:
    return numpy_generator(None if seed is None else Generator().manual_seed(seed))
