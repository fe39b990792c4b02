"""Capsules: vectors for units, and routing by agreement (Sabour, Frosst and Hinton, 2017).

A capsule is a group of units; its vector's length says how likely it is that the thing is there, its direction how it
is there. Each lower capsule *votes* for what every higher one should be, and sends its vote where other votes
agree. The logits of this routing start at 0, and each round adds how well vote and outcome agree: a residual
stream of its own, with a fork and a join a round, which a trace shows.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

import minigrad.nn.functional as F
from minigrad import skip
from minigrad.arguments import integer, integers
from minigrad.engine.errors import OperationError
from minigrad.nn.activation import ReLU, Sigmoid
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.conv import Conv2d
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.capsule import squash
from minigrad.ops.vector_norm import norm
from minigrad.tensors.creation import zeros
from minigrad.tensors.draws import randn
from minigrad.tensors.tensor import Tensor, from_array


class Agreement(Module):
    """One round of routing: couplings, outcomes, and the logits of the next round."""

    def __init__(self, last: bool) -> None:
        super().__init__()
        self.last = last

    def forward(self, votes: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Votes (N, children, parents, D) and logits (N, children, parents) to outcomes (N, parents, D) and logits."""
        s, b = skip.fork(logits)
        couplings = F.softmax(b, dim=2)  # what a child has to give, it gives once: they sum to 1
        outcomes = squash((couplings.unsqueeze(3) * votes).sum(1))
        if self.last:
            return outcomes, s
        return outcomes, skip.residual_add(s, (votes * outcomes.unsqueeze(1)).sum(3))


class CapsuleLayer(Module):
    """Every child votes for every parent, and ``routings`` rounds of agreement say whose vote goes where.

    Parameters
    ----------
    children, child_dim
        How many capsules come in, and the length of their vectors.
    parents, parent_dim
        The same of those that come out.
    routings
        Rounds; the paper has 3.
    """

    def __init__(self, children: int, child_dim: int, parents: int, parent_dim: int, routings: int = 3) -> None:
        super().__init__()
        integer("CapsuleLayer", "routings", routings, least=1, most=1000)
        self.parents, self.parent_dim = parents, parent_dim
        self.weight = Parameter(randn(children, child_dim, parents * parent_dim) * child_dim**-0.5)
        self.rounds = ModuleList(Agreement(last=i == routings - 1) for i in range(routings))

    def votes(self, input: Tensor) -> Tensor:
        """What each child says each parent should be: (N, children, D) to (N, children, parents, parent_dim)."""
        said = (input.transpose(0, 1) @ self.weight).transpose(0, 1)
        return said.reshape(*said.shape[:2], self.parents, self.parent_dim)

    def forward(self, input: Tensor) -> Tensor:
        """(N, children, child_dim) to (N, parents, parent_dim)."""
        ways = skip.fork(self.votes(input), len(self.rounds))
        logits = zeros(*ways[0].shape[:3], dtype=input.dtype)
        for votes, agree in zip(ways, self.rounds, strict=True):
            outcomes, logits = agree(votes, logits)
        found: Tensor = outcomes
        return found


class CapsuleNet(Module):
    """A convolution, primary capsules, one capsule a class, and a decoder that draws the image again.

    Parameters
    ----------
    image_size
        Channels, height, width. The paper's net is ``CapsuleNet((1, 28, 28), channels=256, kernel_size=9,
        primaries=32, decoder=(512, 1024))``.
    num_classes
        Classes.
    channels, kernel_size
        Of the first convolution; the primary capsules have the same kernel, at stride 2.
    primaries, primary_dim
        Capsules a place, and the length of their vectors.
    dim
        The length of a class's vector.
    routings
        Rounds of routing.
    decoder
        Widths of the decoder's layers; empty for no reconstruction.

    Raises
    ------
    ValueError
        For an image that the two convolutions leave nothing of.

    Examples
    --------
    >>> import minigrad as mg
    >>> capsules = mg.models.CapsuleNet((1, 8, 8))(mg.zeros(2, 1, 8, 8))
    >>> capsules.shape
    (2, 10, 16)
    """

    def __init__(
        self,
        image_size: tuple[int, int, int] = (1, 8, 8),
        num_classes: int = 10,
        channels: int = 32,
        kernel_size: int = 3,
        primaries: int = 8,
        primary_dim: int = 8,
        dim: int = 16,
        routings: int = 3,
        decoder: tuple[int, ...] = (64, 128),
    ) -> None:
        super().__init__()
        made_of = {"num_classes": num_classes, "primaries": primaries, "primary_dim": primary_dim, "dim": dim}
        for name, size in {**made_of, "kernel_size": kernel_size}.items():
            integer("CapsuleNet", name, size, least=1)
        depth, *sides = image_size = integers("CapsuleNet", "image_size", image_size, (3,), least=1)
        decoder = integers("CapsuleNet", "decoder", decoder, least=1)
        places = [(n - 2 * kernel_size + 1) // 2 + 1 for n in sides]
        if min(n - 2 * kernel_size + 1 for n in sides) < 0:
            raise OperationError(
                f"CapsuleNet: two convolutions of {kernel_size} x {kernel_size} need {2 * kernel_size - 1} pixels in "
                f"height and width, the image has {tuple(sides)}"
            )
        self.image_size, self.num_classes, self.primary_dim = image_size, num_classes, primary_dim
        self.conv = Conv2d(depth, channels, kernel_size)
        self.primary = Conv2d(channels, primaries * primary_dim, kernel_size, stride=2)
        children = primaries * places[0] * places[1]
        self.classes = CapsuleLayer(children, primary_dim, num_classes, dim, routings)
        self.decoder: Sequential | None = None
        if decoder:
            parts: OrderedDict[str, Module] = OrderedDict()
            wide = num_classes * dim
            for i, made in enumerate(decoder, 1):
                parts[f"fc{i}"], parts[f"relu{i}"] = Linear(wide, made), ReLU()
                wide = made
            parts["out"], parts["sigmoid"] = Linear(wide, depth * sides[0] * sides[1]), Sigmoid()
            self.decoder = Sequential(parts)

    def forward(self, input: Tensor) -> Tensor:
        """Images, (N, C, H, W), to one vector a class, (N, num_classes, dim); their lengths are the scores."""
        x = F.relu(self.conv(input))
        x = self.primary(x)
        x = x.reshape(len(x), -1, self.primary_dim, x.shape[-2] * x.shape[-1]).transpose(2, 3)
        capsules: Tensor = self.classes(squash(x.reshape(len(x), -1, self.primary_dim)))
        return capsules

    def reconstruct(self, capsules: Tensor, labels: Tensor) -> Tensor:
        """Draw the images again from the vectors of the given classes alone; all others are masked."""
        if self.decoder is None:
            raise ValueError("this CapsuleNet has no decoder: it was made with decoder=()")
        chosen = F.one_hot(labels, self.num_classes).to(capsules.dtype)
        drawn = self.decoder((capsules * chosen.unsqueeze(2)).flatten(1))
        images: Tensor = drawn.reshape(len(capsules), *self.image_size)
        return images

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """The margin loss of the lengths, and 0.0005 times the summed square error of the reconstruction.

        Raises
        ------
        ValueError
            For a label out of range.
        """
        capsules = self(images)
        if self.decoder is None:
            return margin_loss(capsules, labels)
        to_sort, to_draw = skip.fork(capsules)
        margin = margin_loss(to_sort, labels)
        error = (self.reconstruct(to_draw, labels) - images).square().sum() / len(images)
        return margin + 0.0005 * error


def margin_loss(capsules: Tensor, labels: Tensor) -> Tensor:
    """``T max(0, .9 - |v|)^2 + .5 (1 - T) max(0, |v| - .1)^2``, summed over classes, the mean over samples.

    Raises
    ------
    ValueError
        For a label out of range.
    """
    classes = capsules.shape[1]
    given = labels.array
    if given.size and not 0 <= given.min() <= given.max() < classes:
        raise ValueError(f"margin_loss: labels go from {given.min()} to {given.max()}, classes from 0 to {classes - 1}")
    there = from_array(np.eye(classes, dtype=capsules.dtype)[given])
    length = norm(capsules, 2, 2)
    errors: Tensor = there * F.relu(0.9 - length) ** 2 + 0.5 * (1 - there) * F.relu(length - 0.1) ** 2
    return errors.sum() / len(capsules)
