"""The models' tests: what isn't collected."""

#: They import torch until test_public_files.py changes that import; they hold no tests of their own.
collect_ignore_glob = ["public/*.py"]
