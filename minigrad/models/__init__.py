"""The systems that skip connections made possible, a short file each.

=================  ===============================================  ====================================================
model              file                                             its skips
=================  ===============================================  ====================================================
`resnet`           `residual_nets`: He et al. (2015, 2016)          add a block's input to its output
`DenseNet`         `densenet`: Huang et al. (2016)                  give every layer all earlier ones, side by side
`UNet`             `unet`: Ronneberger et al. (2015)                carry detail past the bottleneck, side by side
`FCN`              `fcn`: Long et al. (2014)                        add finer scores to coarse ones
`Detector`         `detector`: Zhou et al. (2019)                   a residual backbone, and one skip from the top down
`CapsuleNet`       `capsule_net`: Sabour et al. (2017)              routing adds agreement to its logits, round by round
`GPT`              `gpt`: Radford et al. (2019)                     one residual stream, from embedding to head
`PrefixGPT`        `prefix`: Li and Liang (2021)                    the same, frozen, and learnt keys and values beside
=================  ===============================================  ====================================================
"""

from minigrad.models.capsule_net import CapsuleNet
from minigrad.models.densenet import DenseNet
from minigrad.models.detector import Detector
from minigrad.models.fcn import FCN
from minigrad.models.gpt import GPT, Cache
from minigrad.models.prefix import PrefixGPT
from minigrad.models.residual_nets import ResNet, resnet
from minigrad.models.unet import UNet

__all__ = [
    "FCN",
    "GPT",
    "Cache",
    "CapsuleNet",
    "DenseNet",
    "Detector",
    "PrefixGPT",
    "ResNet",
    "UNet",
    "resnet",
]
