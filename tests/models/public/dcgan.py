"""A generative adversarial net and its training loop, in the style of DCGAN scripts."""

import torch
import torch.nn as nn
import torch.optim as optim
from torch.autograd import Variable

SHAPES = [(4, 3, 16, 16), (4, 6, 1, 1)]
Tensor = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor
torch.backends.cudnn.benchmark = True


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        m.weight.data.normal_(0.0, 0.2)
    elif classname.find("BatchNorm") != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.fill_(0)


class _netG(nn.Module):
    def __init__(self, ngpu=1, nz=6, ngf=4, nc=3):
        super().__init__()
        self.ngpu = ngpu
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        if isinstance(input.data, torch.cuda.FloatTensor) and self.ngpu > 1:
            return nn.parallel.data_parallel(self.main, input, range(self.ngpu))
        return self.main(input)


class _netD(nn.Module):
    def __init__(self, nc=3, ndf=4):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.utils.spectral_norm(nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False)),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


class GAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.netG, self.netD = _netG(), _netD()
        self.netG.apply(weights_init)

    def forward(self, real, noise):
        return self.netD(self.netG(noise)), self.netD(real)


def make():
    return GAN()


def train(model, real_cpu, noise):
    netG, netD = model.netG, model.netD
    criterion = nn.BCELoss()
    optimizerD = optim.Adam(netD.parameters(), lr=0.002, betas=(0.5, 0.999))
    optimizerG = optim.Adam(netG.parameters(), lr=0.002, betas=(0.5, 0.999))
    label = torch.FloatTensor(real_cpu.size(0))
    valid = Variable(Tensor(real_cpu.size(0)).fill_(1.0), requires_grad=False)
    for _ in range(2):
        netD.zero_grad()
        input = real_cpu.clone()
        output = netD(Variable(input))
        errD_real = criterion(output, valid)
        errD_real.backward()
        fake = netG(noise)
        label.data.fill_(0)
        output = netD(fake.detach())
        errD_fake = criterion(output, label)
        errD_fake.backward()
        optimizerD.step()

        netG.zero_grad()
        output = netD(fake)
        errG = criterion(output, valid)
        errG.backward()
        optimizerG.step()
    return errD_real.item() + errD_fake.item(), errG.data.mean()
