"""A table of learnt vectors, looked up by integers."""

from __future__ import annotations

from typing import Any

from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.tensors.tensor import Tensor


class Embedding(Module):
    """Gives the rows of a table that integers name.

    Parameters
    ----------
    num_embeddings
        The number of rows.
    embedding_dim
        The length of each.
    padding_idx
        A row that is at first 0 and isn't learnt.
    max_norm, norm_type
        Not supported: they would write into the table during forward.
    scale_grad_by_freq
        Divide a row's gradient by how often it was looked up in the batch.
    sparse
        Accepted; gradients are dense all the same.

    Attributes
    ----------
    weight
        Of shape (num_embeddings, embedding_dim); at first standard normal.

    Raises
    ------
    ValueError
        If ``padding_idx`` names no row.
    NotImplementedError
        For ``max_norm``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Embedding(10, 3)(mg.tensor([[1, 2], [3, 4]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if max_norm is not None:
            raise NotImplementedError("Embedding: max_norm would write into the table during forward")
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"padding_idx={padding_idx} names none of the {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.scale_grad_by_freq = scale_grad_by_freq
        self.weight = empty_parameter(num_embeddings, embedding_dim, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        """Look rows up: integers of any shape to that shape and (embedding_dim,)."""
        return F.embedding(input, self.weight, self.padding_idx, scale_grad_by_freq=self.scale_grad_by_freq)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """An embedding with a table that is there already, of which the memory is shared.

        Parameters
        ----------
        embeddings
            Of shape (num_embeddings, embedding_dim).
        freeze
            Whether it is left as it is, and not learnt.
        padding_idx
            A row that isn't learnt.

        Raises
        ------
        ValueError
            If it is no matrix.
        """
        if embeddings.ndim != 2:
            raise ValueError(f"a table of embeddings has two dimensions, this tensor has shape {embeddings.shape}")
        rows, columns = embeddings.shape
        made = cls(rows, columns, padding_idx=padding_idx)
        made.weight = Parameter(embeddings, requires_grad=not freeze)
        return made

    def extra_repr(self) -> str:
        """The settings."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return f"{text}, scale_grad_by_freq=True" if self.scale_grad_by_freq else text
