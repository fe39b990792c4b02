"""A translator of images, a sharpening net and a critic with gradient penalty, in the style of CycleGAN and SRGAN."""

import functools
import itertools

import torch
import torch.autograd as autograd
import torch.nn as nn
from torch.nn import init
from torch.nn.utils import weight_norm

SHAPES = [(2, 3, 12, 12)]


def get_norm_layer(norm_type="instance"):
    if norm_type == "batch":
        return functools.partial(nn.BatchNorm2d, affine=True, track_running_stats=True)
    if norm_type == "instance":
        return functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    raise NotImplementedError("normalization layer [%s] is not found" % norm_type)


class ResnetBlock(nn.Module):
    def __init__(self, dim, padding_type, norm_layer, use_bias):
        super().__init__()
        block = []
        if padding_type == "reflect":
            block += [nn.ReflectionPad2d(1)]
        elif padding_type == "replicate":
            block += [nn.ReplicationPad2d(1)]
        block += [nn.Conv2d(dim, dim, kernel_size=3, padding=0, bias=use_bias), norm_layer(dim), nn.ReLU(True)]
        self.conv_block = nn.Sequential(*block)

    def forward(self, x):
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    def __init__(self, input_nc=3, output_nc=3, ngf=4, norm_layer=nn.BatchNorm2d):
        super().__init__()
        func = norm_layer.func if type(norm_layer) == functools.partial else norm_layer
        use_bias = func == nn.InstanceNorm2d
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(input_nc, ngf, kernel_size=7, padding=0, bias=use_bias),
            norm_layer(ngf),
            nn.ReLU(True),
            nn.Conv2d(ngf, 2 * ngf, kernel_size=3, stride=2, padding=1, bias=use_bias),
            ResnetBlock(2 * ngf, "reflect", norm_layer, use_bias),
            ResnetBlock(2 * ngf, "replicate", norm_layer, use_bias),
            nn.ConvTranspose2d(2 * ngf, ngf, kernel_size=3, stride=2, padding=1, output_padding=1, bias=use_bias),
            nn.PReLU(),
            nn.Conv2d(ngf, 4 * output_nc, 3, padding=1),
            nn.PixelShuffle(2),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.model(input)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            weight_norm(nn.Conv2d(3, 4, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            nn.AvgPool2d(3, stride=2, padding=[1, 1], count_include_pad=False),
            nn.Conv2d(4, 1, 3),
        )

    def forward(self, x):
        return self.body(x)


class GANLoss(nn.Module):
    def __init__(self, target_real_label=1.0, target_fake_label=0.0):
        super().__init__()
        self.register_buffer("real_label", torch.tensor(target_real_label))
        self.register_buffer("fake_label", torch.tensor(target_fake_label))
        self.loss = nn.MSELoss()

    def __call__(self, prediction, target_is_real):
        target_tensor = (self.real_label if target_is_real else self.fake_label).expand_as(prediction)
        return self.loss(prediction, target_tensor)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.netG = ResnetGenerator(norm_layer=get_norm_layer("instance"))
        self.netD = Critic()
        self.criterionGAN = GANLoss()
        for m in itertools.chain(self.netG.modules(), self.netD.modules()):
            if isinstance(m, nn.Conv2d) and hasattr(m, "weight"):
                init.xavier_normal(m.weight.data) if not hasattr(m, "weight_v") else None

    def gradient_penalty(self, real, fake):
        alpha = real.new_full((real.size(0), 1, 1, 1), 0.3)
        interpolates = (alpha * real + ((1 - alpha) * fake.detach())).requires_grad_(True)
        disc = self.netD(interpolates)
        gradients = autograd.grad(
            outputs=disc, inputs=interpolates, grad_outputs=disc.new_ones(disc.size()), create_graph=True,
            retain_graph=True, only_inputs=True,
        )[0]  # fmt: skip
        gradients = gradients.view(gradients.size(0), -1)
        return ((gradients.norm(2, dim=1) - 1) ** 2).mean()

    def forward(self, real):
        fake = nn.functional.avg_pool2d(self.netG(real), 2)
        return fake, self.criterionGAN(self.netD(fake), True), self.gradient_penalty(real, fake)


def make():
    return Model()
