"""The house: imports run one way, files can be read in a sitting, and silenced checks are few and say why."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import minigrad

PACKAGE = Path(minigrad.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
#: Longer than 300 lines, and why.
LONG = {
    "__init__.py": "a list of names",
    "tensors/tensor.py": "one class",
    "nn/module.py": "one class",
    "inspect/paths/path_lengths.py": "the paths, their lengths and the routes are one idea",
    "inspect/forks/outline.py": "boxes and arrows, and how they are folded: one picture",
    "models/gpt.py": "a model that is read from top to bottom, half of it docstrings",
    "nn/recurrent.py": "RNN, LSTM and GRU are one class with three cells; a third of it docstrings",
    "arguments.py": "every check of the door, each with the errors that it raises",
    "nn/transformer.py": "five layers of PyTorch's, most of it their arguments' docstrings",
    "ops/conv.py": "six convolutions that are each other's gradients",
    "ops/loss.py": "the losses, a class and a function each",
    "ops/norm.py": "the norms, a class and a function each",
    "ops/pool.py": "the poolings and their adjoints",
}


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def imports(path, deepest=4):
    """The package's modules that a file imports at its top level; by default, those for type checkers too."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("minigrad")
            and node.col_offset <= deepest
        ):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found[full if full in MODULES else node.module] = None
        elif isinstance(node, ast.Import):
            found.update({alias.name: None for alias in node.names if alias.name.startswith("minigrad")})
    return [name for name in found if name in MODULES]


def circles(deepest=4):
    """The strongly connected components of the imports that have more than one module (Tarjan, 1972)."""
    graph = {name: [target for target in imports(path, deepest) if target != name] for name, path in MODULES.items()}
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in graph[name]:
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            component = []
            while True:
                component.append(stack.pop())
                if component[-1] == name:
                    break
            if len(component) > 1:
                found.append(sorted(component))

    for name in graph:
        if name not in index:
            visit(name)
    return found


def test_imports_run_in_no_circle_but_one():
    """The engine's tensor names the node that made it, and a node names tensors: for type checkers only."""
    found = circles()
    assert all("minigrad.engine.base" in circle for circle in found), found
    assert len(found) <= 1, found
    assert circles(deepest=0) == []


def test_files_can_be_read_in_a_sitting():
    lengths = {
        str(p.relative_to(PACKAGE)).replace("\\", "/"): len(p.read_text(encoding="utf-8").splitlines()) for p in FILES
    }
    assert [name for name, length in lengths.items() if length > 300 and name not in LONG] == []


def test_silenced_checks_are_few():
    silenced = [
        f"{path.name}: {line.strip()}"
        for path in FILES
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"#\s*(type: ignore|noqa)", line)
    ]
    assert len(silenced) < 30, "\n".join(silenced)
