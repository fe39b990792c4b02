"""The results as tables, a chart and JSON."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from minigrad.files import folder_to_write, write_whole
from minigrad.plot.style import COLOURS, figure, save


def ratio(result: dict[str, Any]) -> float | None:
    """PyTorch's time as a multiple of minigrad's: the median over the rounds, in which they took turns."""
    if "torch" not in result["ms"]:
        return None
    return statistics.median(b / a for a, b in zip(result["ms"]["minigrad"], result["ms"]["torch"], strict=True))


def timings(results: list[dict[str, Any]], console: Console) -> None:
    """Print the table of training steps."""
    table = Table(title="milliseconds a training step: median of the rounds' medians")
    for heading in ("workload", "minigrad", "torch", "autograd", "torch / minigrad", "target"):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for result in results:
        times = [result["ms"].get(name) for name in ("minigrad", "torch", "autograd")]
        cells = ["" if t is None else f"{statistics.median(t):.2f}" for t in times]
        found = ratio(result)
        table.add_row(result["name"], *cells, "" if found is None else f"{found:.2f}", f"{result['target']:.1f}")
    console.print(table)


def memory(results: list[dict[str, Any]], console: Console) -> None:
    """Print the table of peak memory."""
    table = Table(
        title="peak memory of a process after four steps, MiB; in brackets, what the steps added to the import"
    )
    for heading in ("workload", "minigrad", "torch"):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for result in results:
        found = [result["MiB"][name] for name in ("minigrad", "torch")]
        table.add_row(result["name"], *(f"{m['steps']:.0f} ({m['steps'] - m['import']:.0f})" for m in found))
    console.print(table)


def costs(seconds: dict[str, float], per_node: dict[int, float], console: Console) -> None:
    """Print what minigrad costs beside the arithmetic."""
    table = Table(title="beside the arithmetic")
    table.add_column("what")
    table.add_column("", justify="right")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.2f} s")
    for nodes, microseconds in per_node.items():
        table.add_row(f"backward, a node of {nodes:,}", f"{microseconds:.2f} us")
    console.print(table)


def chart(results: list[dict[str, Any]], folder: Path) -> None:
    """Draw the ratios as bars."""
    named = [(result["name"], ratio(result), result["target"]) for result in reversed(results)]
    shown = [(name, found, target) for name, found, target in named if found is not None]
    if not shown:
        return
    fig, ax = figure(height=0.45 * len(shown) + 1.4)
    places = range(len(shown))
    ax.barh(places, [found for _, found, _ in shown], color=COLOURS["residual"], height=0.6)
    targets = [target for _, _, target in shown]
    ax.plot(targets, places, "|", color=COLOURS["plain"], markersize=18, markeredgewidth=3, label="target")
    ax.axvline(1, color=COLOURS["neutral"], linewidth=1, linestyle="--", label="as fast as PyTorch")
    ax.set_yticks(list(places), [name for name, _, _ in shown])
    ax.set_xlabel("PyTorch's time / minigrad's (to the right of 1, minigrad is faster)")
    ax.legend(loc="lower right", frameon=False)
    fig.tight_layout()
    save(fig, folder / "ratios.png")


def _cpu() -> str:
    """The name of the processor, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


def write(everything: dict[str, Any], threads: int, folder: Path) -> None:
    """Write all numbers as JSON."""
    installed = [name for name in ("numpy", "numba", "torch") if importlib.util.find_spec(name)]
    versions = {name: importlib.metadata.version(name) for name in installed}
    machine = {"cpu": _cpu(), "python": platform.python_version(), **versions, "threads": threads}
    text = json.dumps({**machine, **everything}, indent=1) + "\n"
    write_whole(folder_to_write(folder) / "results.json", text.encode())
