"""The law of each collective, checked across ranks; and a rule that forgets the sum, or sums too much, is named."""

import numpy as np

import minigrad as mg
from minigrad import distributed as dist
from minigrad import inspect
from minigrad.distributed.nn import functional as DF
from minigrad.distributed.nn.nodes import AllReduce, CopyToRanks, SumOverRanks

dist.init_process_group("mpi")
rank = dist.get_rank()
rng = np.random.default_rng(rank)
together = np.random.default_rng(5)  # the same draws on all ranks

x = mg.tensor(rng.standard_normal((2, 3)), requires_grad=True)
shared = mg.tensor(together.standard_normal((2, 3)), requires_grad=True)
own, same = rng.standard_normal((2, 3)), together.standard_normal((2, 3))

CASES = {
    AllReduce: lambda: (DF.all_reduce(x), own),
    CopyToRanks: lambda: (DF.copy_to_ranks(shared), own),
    SumOverRanks: lambda: (DF.sum_over_ranks(x), same),
}
WRONG = {
    AllReduce: lambda node, gx: gx / 2,
    CopyToRanks: lambda node, gx: own,  # its own gradient, and not the sum
    SumOverRanks: lambda node, gx: 2 * gx,
}
for kind, case in CASES.items():
    y, g = case()
    laws = inspect.laws(y, g)
    assert [row.node.split("#")[0] for row in laws] == [kind.__name__], laws
    assert not laws.broken, laws
    rule = kind.backward
    kind.backward = lambda self, gy, rule=rule, kind=kind: WRONG[kind](self, rule(self, gy))
    broken = inspect.laws(y, g).broken
    kind.backward = rule
    if dist.get_world_size() > 1 or kind is not CopyToRanks:
        assert [row.node.split("#")[0] for row in broken] == [kind.__name__], broken
print("held")
