"""The reference: ``.. names:: PACKAGE`` documents public names, and a name in single backticks finds its entry."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from docutils.parsers.rst import directives
from names import chosen, home, told
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode


class Names(SphinxDirective):
    """A table of names and, below it, the entry of each; `names.chosen` says which."""

    required_arguments = 1
    has_content = True
    option_spec = {"inherited": directives.flag}  # of a class, also what its bases define

    def run(self) -> list[Any]:
        package = self.arguments[0]
        names = chosen(package, " ".join(self.content))
        table = "\n".join(f"   {name}" for name in names)
        text = f".. py:currentmodule:: {package}\n\n" + f".. autosummary::\n\n{table}\n\n" * (len(names) > 1)
        members = "   :members:\n" + "   :inherited-members:\n" * ("inherited" in self.options)
        return self.parse_text_to_nodes(text + "\n".join(entry(package, name, members) for name in names))


def entry(package: str, name: str, members: str) -> str:
    """One name's entry, as reST; ``members`` are the options of a class."""
    thing = getattr(importlib.import_module(package), name)
    full, main = f"{package}.{name}", ".".join(told(package, name))
    if full != main:
        return f".. py:function:: {full}\n\n   The same as :py:obj:`{main}`.\n"
    if not home(thing).startswith("minigrad"):
        return f".. py:data:: {full}\n\n   {told_by(thing)}\n"
    if inspect.isclass(thing):
        return f".. autoclass:: {full}\n{members}"
    return f".. autofunction:: {full}\n"


def told_by(thing: Any) -> str:
    """What is said of a value, or of what is another library's."""
    return f"NumPy's own ``{thing.__name__}``." if inspect.isclass(thing) else f"``{thing!r}``"


def found(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """The entry of a name that stands in a docstring without its module: the nearest one of that name."""
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not name:
        return None
    objects = env.domains.python_domain.objects
    full = [each for each in objects if each.endswith(f".{name}")]
    if not full:
        return None
    here = node.get("py:module") or ""
    nearest = min(full, key=lambda each: (not each.startswith(f"{here}."), each.count("."), each))
    entry = objects[nearest]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, nearest)


def setup(app: Any) -> dict[str, Any]:
    """Add the directive and the finder."""
    app.add_directive("names", Names)
    app.connect("missing-reference", found)
    return {"parallel_read_safe": True}
