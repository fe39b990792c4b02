"""Random numbers: one seeded generator for everything that isn't given one of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.tensors.devices import check_device


class Generator:
    """A seeded source of random numbers.

    Parameters
    ----------
    device
        Accepted for PyTorch's sake; only ``"cpu"`` exists.

    Attributes
    ----------
    numpy
        The NumPy generator that is drawn from.

    Examples
    --------
    >>> import minigrad as mg
    >>> first = mg.randn(2, generator=mg.Generator().manual_seed(0))
    >>> again = mg.randn(2, generator=mg.Generator().manual_seed(0))
    >>> (first == again).all().item()
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self.device = device
        self._seed = 0
        self.numpy = np.random.default_rng()

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from ``seed``; returns the generator itself."""
        self._seed = arguments.integer("manual_seed", "seed", seed, -(2**63), 2**64 - 1)
        self.numpy = np.random.default_rng(self._seed % 2**64)
        return self

    def initial_seed(self) -> int:
        """The seed that was last given."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Where the generator stands, as a plain dictionary."""
        return dict(self.numpy.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> Generator:
        """Go to where ``get_state`` was called; returns the generator itself."""
        try:
            self.numpy.bit_generator.state = state
        except (TypeError, ValueError, KeyError, OverflowError):
            raise arguments.wrong_kind("set_state", "state", "what get_state() gave", state) from None
        return self


_default = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that everything draws from: the same seed gives the same run, to the bit.

    Returns
    -------
    Generator
        That generator.
    """
    try:
        seed = int(seed)  # as in PyTorch, which takes 2.0 here
    except (TypeError, ValueError, OverflowError):
        raise arguments.wrong_kind("manual_seed", "seed", "an integer", seed) from None
    return _default.manual_seed(seed)


def default_generator() -> Generator:
    """The generator that is used where none is given."""
    return _default


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """The NumPy generator behind ``generator``, or behind the default one.

    Raises
    ------
    TypeError
        If it is no `Generator`.
    """
    if generator is None:
        return _default.numpy
    if not isinstance(generator, Generator):
        wanted = "a minigrad.Generator, as minigrad.Generator().manual_seed(0) gives, or None"
        raise arguments.wrong_kind("random numbers", "generator", wanted, generator)
    return generator.numpy
