"""Threads that share a kernel: every row once, whoever does it, and nobody waits for ever."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from numba import config

import minigrad as mg
from minigrad.kernels import handoff, threads
from minigrad.kernels.compile import BACKEND

pytestmark = pytest.mark.skipif(BACKEND != "numba" or config.DISABLE_JIT, reason="there is nothing to share")


@threads.row_kernel
def _count_rows(first, last, counts, weight):
    for row in range(first, last):
        for again in range(counts.shape[1]):
            counts[row, again] += weight


@threads.row_kernel
def _fill_memory(first, last, sizes):
    for row in range(first, last):
        sizes[row] = np.empty(sizes[row]).size


@pytest.fixture(autouse=True)
def _threads():
    before = mg.get_num_threads()
    yield
    mg.set_num_threads(before)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
def test_every_row_is_done_once(workers, rows):
    mg.set_num_threads(workers)
    counts = np.zeros((rows, 50))
    for _ in range(20):
        _count_rows(threads.SMALL, rows, counts, 1.0)
    np.testing.assert_array_equal(counts, 20)


def test_callers_at_the_same_time():
    mg.set_num_threads(2)
    arrays = [np.zeros((300, 100)) for _ in range(6)]

    def call(counts):
        for _ in range(200):
            _count_rows(threads.SMALL, len(counts), counts, 1.0)

    callers = [threading.Thread(target=call, args=(counts,)) for counts in arrays]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    for counts in arrays:
        np.testing.assert_array_equal(counts, 200)


def test_another_thread_helps_also_after_it_slept():
    mg.set_num_threads(2)
    threads._new_pool()
    for _ in range(3):
        counts = np.zeros((64, 40_000))
        _count_rows(threads.SMALL, len(counts), counts, 1.0)
        for _ in range(500):
            if not threads._pool.awake.is_set():
                break
            time.sleep(0.01)
        assert not threads._pool.awake.is_set()
        assert threads._pool.started == 1
        np.testing.assert_array_equal(counts, 1)


def test_fewer_threads_end_the_old_ones():
    mg.set_num_threads(3)
    counts = np.zeros((64, 1000))
    _count_rows(threads.SMALL, len(counts), counts, 1.0)
    pool = threads._pool
    helpers = [thread for thread in threading.enumerate() if thread.name.startswith("minigrad-")]
    assert len(helpers) >= 2
    mg.set_num_threads(2)
    assert threads._pool is not pool
    for thread in helpers:
        thread.join(10)
        assert not thread.is_alive()


def test_an_error_in_a_piece_reaches_the_caller():
    mg.set_num_threads(2)
    sizes = np.full(8, 10)
    _fill_memory(threads.SMALL, 8, sizes)
    sizes[5] = 2**60
    with pytest.raises(MemoryError, match="_fill_memory"):
        _fill_memory(threads.SMALL, 8, sizes)
    counts = np.zeros((8, 8))
    _count_rows(threads.SMALL, 8, counts, 1.0)
    np.testing.assert_array_equal(counts, 1)


def test_a_job_without_helpers_is_done_by_the_caller():
    counts = np.zeros((10, 3))
    share, address = _count_rows._for((counts, 1.0))
    assert share(handoff.new_pool(), address, 10, 3, (counts, 1.0)) == 0
    np.testing.assert_array_equal(counts, 1)
