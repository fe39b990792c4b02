"""How well a net found what is in an image: overlap of segments, errors at their edges, average precision of boxes."""

from minigrad.metrics.detections import average_precision
from minigrad.metrics.segments import dice, edge_error, edges

__all__ = ["average_precision", "dice", "edge_error", "edges"]
