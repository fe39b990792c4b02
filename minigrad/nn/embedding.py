"""A table of learnt vectors, looked up by integers."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import integer, numbers, tensor, truths
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad
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
        Rows that are looked up and whose norm is above ``max_norm`` are first made as long as that, in the table.
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
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        truths("Embedding", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse, _freeze=_freeze)
        self.num_embeddings = integer("Embedding", "num_embeddings", num_embeddings, least=0)
        self.embedding_dim = integer("Embedding", "embedding_dim", embedding_dim, least=0)
        if padding_idx is not None:
            padding_idx = integer("Embedding", "padding_idx", padding_idx, -num_embeddings, num_embeddings - 1)
            padding_idx %= num_embeddings
        numbers("Embedding", max_norm=0 if max_norm is None else max_norm, norm_type=norm_type)
        self.padding_idx = padding_idx
        self.scale_grad_by_freq = scale_grad_by_freq
        self.max_norm, self.norm_type = max_norm, norm_type
        self.sparse = sparse
        if _weight is None:
            self.weight = empty_parameter(num_embeddings, embedding_dim, device=device, dtype=dtype)
            self.weight.requires_grad = not _freeze
            self.reset_parameters()
        else:
            if tensor("Embedding", "_weight", _weight, arrays=False).shape != (num_embeddings, embedding_dim):
                wanted = (num_embeddings, embedding_dim)
                raise OperationError(f"Embedding: the table has shape {_weight.shape}, not {wanted}")
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        """Look rows up: integers of any shape to that shape and (embedding_dim,)."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An embedding with a table that is there already, of which the memory is shared.

        Parameters
        ----------
        embeddings
            Of shape (num_embeddings, embedding_dim).
        freeze
            Whether it is left as it is, and not learnt.
        padding_idx
            A row that isn't learnt.
        max_norm, norm_type, scale_grad_by_freq, sparse
            As of the class.

        Raises
        ------
        ValueError
            If it is no matrix.
        """
        if tensor("Embedding", "embeddings", embeddings, arrays=False).ndim != 2:
            raise OperationError(f"a table of embeddings has two dimensions, this tensor has shape {embeddings.shape}")
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def extra_repr(self) -> str:
        """The settings."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return f"{text}, sparse=True" if self.sparse else text
