"""no_grad and its kin: per thread, per task, nested, as decorators."""

from __future__ import annotations

import asyncio
import threading

import pytest

import minigrad as mg


def test_nesting_and_exceptions():
    assert mg.is_grad_enabled()
    with mg.no_grad():
        assert not mg.is_grad_enabled()
        with mg.enable_grad():
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    with pytest.raises(KeyError), mg.no_grad():
        raise KeyError
    assert mg.is_grad_enabled()


def test_decorators_with_and_without_brackets():
    @mg.no_grad()
    def one():
        return mg.is_grad_enabled()

    @mg.no_grad
    def two():
        return mg.is_grad_enabled()

    assert not one()
    assert not two()
    assert one.__name__ == "one"


def test_set_grad_enabled_as_a_block_and_as_a_call():
    with mg.set_grad_enabled(False):
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()
    mg.set_grad_enabled(False)
    assert not mg.is_grad_enabled()
    mg.set_grad_enabled(True)
    assert mg.is_grad_enabled()


def test_per_thread():
    seen = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(mg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_per_task():
    async def off(started, checked):
        with mg.no_grad():
            started.set()
            await checked.wait()
            return mg.is_grad_enabled()

    async def on(started, checked):
        await started.wait()
        enabled = mg.is_grad_enabled()
        checked.set()
        return enabled

    async def main():
        started, checked = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(off(started, checked), on(started, checked))

    assert asyncio.run(main()) == [False, True]


def test_set_grad_enabled_as_a_decorator():
    @mg.set_grad_enabled(False)
    def off():
        return mg.is_grad_enabled()

    assert mg.is_grad_enabled()
    assert not off()
    assert not off()
    assert mg.is_grad_enabled()
