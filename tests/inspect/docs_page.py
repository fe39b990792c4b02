"""Run the python blocks of docs/inspect.md in order, and put what each prints into the text block behind it.

What the page saves goes into the current folder; with ``--write`` that is docs, where its picture belongs.

``python tests/inspect/docs_page.py`` prints the page as it should be, with ``--write`` it writes it.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path("docs/inspect.md")
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.S)


def run(page):
    """The page with its outputs made anew."""
    namespace = {"__name__": "__main__"}

    def rerun(found):
        code, output = found[1], found[2]
        line = page.count("\n", 0, found.start(1))
        printed = io.StringIO()
        with redirect_stdout(printed):
            # The lines before make it stand at its own line of the page, which messages can then show.
            exec(compile("\n" * line + code, str(PAGE), "exec"), namespace)
        made = printed.getvalue()
        if output is None:
            assert not made, f"{PAGE}:{line}: this block prints, and no text block is behind it"
            return found[0]
        return f"```python\n{code}```\n\n```text\n{made}```\n"

    return BLOCK.sub(rerun, page)


def main():
    os.environ["PYTHONBREAKPOINT"] = "0"
    sys.path.insert(0, str(ROOT))  # there the lines of the page are found, by its name
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(ROOT / "docs" if "--write" in sys.argv else folder)
        made = run(page)
        os.chdir(ROOT)
    if "--write" in sys.argv:
        # Line numbers that are shown depend on the length of the outputs above: write until nothing changes.
        PAGE.write_text(made, encoding="utf-8")
        print("written" if made == page else "written; run it once more, as lines have moved")
    else:
        sys.stdout.buffer.write(made.encode("utf-8"))


if __name__ == "__main__":
    main()
