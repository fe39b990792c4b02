"""The engine's seam, under the name that inspection uses."""

from minigrad.engine.watch import Watcher

__all__ = ["Watcher"]
