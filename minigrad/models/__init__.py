"""The systems that skip connections made possible, a short file each.

=================  ===============================================  ====================================================
model              file                                             its skips
=================  ===============================================  ====================================================
`GPT`              `gpt`: Radford et al. (2019)                     one residual stream, from embedding to head
`PrefixGPT`        `prefix`: Li and Liang (2021)                    the same, frozen, and learnt keys and values beside
=================  ===============================================  ====================================================
"""

from __future__ import annotations

from minigrad.models.gpt import GPT, Cache
from minigrad.models.prefix import PrefixGPT

__all__ = ["GPT", "Cache", "PrefixGPT"]
