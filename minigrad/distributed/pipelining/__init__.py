"""A net cut into stages, one on each rank, and batches cut into micro-batches that follow each other through them."""

from minigrad.distributed.pipelining.schedules import Schedule1F1B, ScheduleGPipe, gpipe_order, one_f_one_b_order
from minigrad.distributed.pipelining.stage import PipelineStage
from minigrad.distributed.pipelining.timeline import Action, Event, bubble, gather_timeline, simulate

__all__ = [
    "Action",
    "Event",
    "PipelineStage",
    "Schedule1F1B",
    "ScheduleGPipe",
    "bubble",
    "gather_timeline",
    "gpipe_order",
    "one_f_one_b_order",
    "simulate",
]
