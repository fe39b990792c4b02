"""Random numbers: one seeded generator for everything that isn't given one of its own."""

from __future__ import annotations

from typing import Any

import numpy as np


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
        self.device = device
        self._seed = 0
        self.numpy = np.random.default_rng()

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from ``seed``; returns the generator itself."""
        self._seed = int(seed)
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
        self.numpy.bit_generator.state = state
        return self


_default = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that everything draws from: the same seed gives the same run, to the bit.

    Returns
    -------
    Generator
        That generator.
    """
    return _default.manual_seed(seed)


def default_generator() -> Generator:
    """The generator that is used where none is given."""
    return _default


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """The NumPy generator behind ``generator``, or behind the default one."""
    return (generator or _default).numpy
