"""What if a way were cut or scaled in backward, or a branch taken away in forward?"""
