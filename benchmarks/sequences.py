"""The sequence nets that are timed, written once: PyTorch and minigrad run the same lines."""

from __future__ import annotations

from typing import Any

VOCABULARY = 64


def gpt(fw: Any, layers: int, width: int, length: int) -> Any:
    """A pre-norm GPT with four heads and learnt positions; logits as (batch * length, VOCABULARY)."""
    nn, functional = fw.nn, fw.nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            batch = x.shape[0]
            parts = self.qkv(x).reshape(batch, length, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
            q, k, v = parts.unbind(0)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(batch, length, width))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attention = Attention()
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            x = add(x, lambda b: self.attention(self.norm1(b)))
            return add(x, lambda b: self.mlp(self.norm2(b)))

    def add(x: Any, branch: Any) -> Any:
        """``x + branch(x)``; in minigrad with its fork and its join."""
        if hasattr(fw, "skip"):
            s, b = fw.skip.fork(x)
            return fw.skip.residual_add(s, branch(b))
        return x + branch(x)

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.place = nn.Embedding(VOCABULARY, width), nn.Embedding(length, width)
            self.blocks = nn.ModuleList([Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.embedding(tokens) + self.place(fw.arange(length))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x)).reshape(-1, VOCABULARY)

    return GPT()


def encoder(fw: Any, layers: int, width: int) -> Any:
    """A post-norm encoder with four heads, the mean over the sequence, and a head."""
    nn = fw.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True)
            self.encoder, self.head = nn.TransformerEncoder(layer, layers), nn.Linear(width, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(x).mean(1))

    return Classifier()


def lstm(fw: Any, width: int, layers: int) -> Any:
    """An LSTM over (batch, length, width), and a head on its last output."""
    nn = fw.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(width, width, layers, batch_first=True), nn.Linear(width, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    return Classifier()


def densenet(fw: Any, depth: int = 22, growth: int = 12) -> Any:
    """DenseNet for small images (Huang et al., 2016): three blocks of (depth - 4) / 3 layers, each reads all before."""
    nn = fw.nn

    class Layer(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.branch = nn.Sequential(
                nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, growth, 3, padding=1, bias=False)
            )

        def forward(self, x: Any) -> Any:
            if hasattr(fw, "skip"):
                s, b = fw.skip.fork(x)
                return fw.skip.skip_concat(s, self.branch(b))
            return fw.cat((x, self.branch(x)), 1)

    width = 16
    layers: list[Any] = [nn.Conv2d(3, width, 3, padding=1, bias=False)]
    for block in range(3):
        for _ in range((depth - 4) // 3):
            layers.append(Layer(width))
            width += growth
        layers += [nn.BatchNorm2d(width), nn.ReLU()]
        if block < 2:
            layers += [nn.Conv2d(width, width, 1, bias=False), nn.AvgPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
