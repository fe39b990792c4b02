"""The version, in one place."""

#: There is no GPU.
cuda = None
__version__ = "0.2.0"
