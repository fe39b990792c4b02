"""The nets that are timed, written once: PyTorch and minigrad run the same lines.

Only the residual block differs on purpose: minigrad's has the explicit nodes that a learner looks at.
"""

from __future__ import annotations

from typing import Any


def block_class(fw: Any) -> Any:
    """A module ``x + f(x)``; in minigrad ``nn.Residual``, with its fork and its join."""
    if hasattr(fw.nn, "Residual"):
        return fw.nn.Residual

    class Residual(fw.nn.Module):
        def __init__(self, branch: Any, shortcut: Any = None, after: Any = None) -> None:
            super().__init__()
            self.branch, self.shortcut, self.after = branch, shortcut, after

        def forward(self, x: Any) -> Any:
            y = self.branch(x) + (x if self.shortcut is None else self.shortcut(x))
            return y if self.after is None else self.after(y)

    return Residual


def residual_mlp(fw: Any, layers: int, width: int) -> Any:
    """Blocks of one layer each, ``x + relu(linear(x))``, and a head."""
    nn, block = fw.nn, block_class(fw)
    return nn.Sequential(
        *(block(nn.Sequential(nn.Linear(width, width), nn.ReLU())) for _ in range(layers)), nn.Linear(width, 10)
    )


def resnet(fw: Any, depth: int, channels: int) -> Any:
    """He et al.'s net for small images (2015): 3 stages of (depth - 2) / 6 blocks, 16, 32 and 64 channels wide."""
    nn, block = fw.nn, block_class(fw)

    def conv(c_in: int, c_out: int, size: int, stride: int = 1) -> list[Any]:
        return [nn.Conv2d(c_in, c_out, size, stride, size // 2, bias=False), nn.BatchNorm2d(c_out)]

    layers = [*conv(channels, 16, 3), nn.ReLU()]
    width = 16
    for stage in range(3):
        for i in range((depth - 2) // 6):
            out = 16 * 2**stage
            stride = 2 if stage and not i else 1
            shortcut = nn.Sequential(*conv(width, out, 1, stride)) if stride > 1 else None
            branch = nn.Sequential(*conv(width, out, 3, stride), nn.ReLU(), *conv(out, out, 3))
            layers.append(block(branch, shortcut, nn.ReLU()))
            width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def unet(fw: Any) -> Any:
    """Three levels of 16, 32 and 64 channels, with transposed convolutions (Ronneberger et al., 2015)."""
    nn = fw.nn

    def double(c_in: int, c_out: int) -> Any:
        layers: list[Any] = []
        for c in (c_in, c_out):
            layers += [nn.Conv2d(c, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]
        return nn.Sequential(*layers)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList([double(1, 16), double(16, 32)])
            self.bottom = double(32, 64)
            self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)])
            self.join = nn.ModuleList([double(64, 32), double(32, 16)])
            self.pool = nn.MaxPool2d(2)
            self.head = nn.Conv2d(16, 2, 1)

        def forward(self, x: Any) -> Any:
            kept = []
            for level in self.down:
                x = level(x)
                kept.append(x)
                x = self.pool(x)
            x = self.bottom(x)
            for up, join in zip(self.up, self.join, strict=True):
                x = join(self.concat(kept.pop(), up(x)))
            return self.head(x)

        def concat(self, skip: Any, branch: Any) -> Any:
            return fw.cat((skip, branch), 1)

    return UNet()


def gpt(fw: Any, layers: int, width: int, heads: int = 4, tokens: int = 64, length: int = 64) -> Any:
    """A decoder: pre-norm blocks of causal attention and two dense layers, learnt positions (Radford et al., 2019)."""
    nn, block = fw.nn, block_class(fw)
    F = nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            q, k, v = (
                part.reshape(n, t, heads, width // heads).transpose(1, 2) for part in self.qkv(x).split(width, 2)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(n, t, width))

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(tokens, width), nn.Embedding(length, width)
            blocks = []
            for _ in range(layers):
                dense = [nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)]
                blocks += [
                    block(nn.Sequential(nn.LayerNorm(width), Attention())),
                    block(nn.Sequential(nn.LayerNorm(width), *dense)),
                ]
            self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width), nn.Linear(width, tokens))

        def forward(self, x: Any) -> Any:
            return self.blocks(self.token(x) + self.place(fw.arange(x.shape[1]))).reshape(-1, tokens)

    return Decoder()
