"""The programs are run by mpiexec, and not by pytest, which would collect their doctests by importing them."""

collect_ignore = ["programs"]
