"""A spatial transformer, a codebook, a temporal net and distances, as smaller repositories put them together."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parameter import Parameter

SHAPES = [(3, 1, 12, 12)]


class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super().__init__()
        self.chomp_size = chomp_size

    def forward(self, x):
        return x[:, :, : -self.chomp_size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, n_inputs, n_outputs, kernel_size, dilation):
        super().__init__()
        padding = (kernel_size - 1) * dilation
        self.conv1 = torch.nn.utils.weight_norm(
            nn.Conv1d(n_inputs, n_outputs, kernel_size, padding=padding, dilation=dilation)
        )
        self.net = nn.Sequential(self.conv1, Chomp1d(padding), nn.Mish(), nn.Dropout(0.0))
        self.downsample = nn.Conv1d(n_inputs, n_outputs, 1) if n_inputs != n_outputs else None

    def forward(self, x):
        res = x if self.downsample is None else self.downsample(x)
        return F.glu(torch.cat([self.net(x), res], 1), dim=1)


class VectorQuantizer(nn.Module):
    def __init__(self, num_embeddings=5, embedding_dim=4):
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.embedding = nn.Embedding(num_embeddings, embedding_dim)
        self.embedding.weight.data.uniform_(-1 / num_embeddings, 1 / num_embeddings)

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        flat = inputs.view(-1, self.embedding_dim)
        distances = (
            torch.sum(flat**2, dim=1, keepdim=True)
            + torch.sum(self.embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat, self.embedding.weight.t())
        )
        idx = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(idx.shape[0], self.num_embeddings, device=inputs.device)
        encodings.scatter_(1, idx, 1)
        quantized = torch.matmul(encodings, self.embedding.weight).view(inputs.shape)
        loss = F.mse_loss(quantized, inputs.detach()) + 0.25 * F.mse_loss(quantized.detach(), inputs)
        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity


class STN(nn.Module):
    def __init__(self):
        super().__init__()
        self.localization = nn.Sequential(nn.Conv2d(1, 4, kernel_size=5), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        self.fc_loc = nn.Sequential(nn.Linear(4 * 4 * 4, 8), nn.Softsign(), nn.Linear(8, 3 * 2))
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1.1, 0.1, 0.03, -0.1, 0.9, 0.02], dtype=torch.float))
        self.enc = nn.Conv2d(1, 4, 3, 2, 1)
        self.vq = VectorQuantizer()
        self.tcn = TemporalBlock(6, 8, 2, 2)
        self.lrn = nn.LocalResponseNorm(3, alpha=0.1)
        self.scale = Parameter(torch.Tensor(1).fill_(1.5))
        self.triplet = nn.TripletMarginLoss(margin=1.0, p=2)
        self.distance = nn.PairwiseDistance(p=2)
        self.cosine = nn.CosineSimilarity(dim=1, eps=1e-6)

    def forward(self, x):
        xs = self.localization(x)
        theta = self.fc_loc(xs.view(-1, 4 * 4 * 4)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
        z = self.lrn(self.enc(x)) * self.scale
        vq_loss, quantized, perplexity = self.vq(z)
        seq = F.unfold(quantized, kernel_size=3, stride=3).view(3, -1, 6).transpose(1, 2)
        out = self.tcn(seq)
        anchor, positive, negative = (out.mean(2)[i : i + 1] for i in range(3))
        triplet = self.triplet(anchor, positive, negative)
        pooled, where = F.max_pool2d(quantized, 2, return_indices=True)
        unpooled = F.max_unpool2d(pooled, where, 2)
        close = self.distance(anchor, positive) + self.cosine(anchor, negative)
        return out, vq_loss, triplet, close, perplexity, unpooled.median(), torch.diff(out, dim=-1)


def make():
    return STN()
