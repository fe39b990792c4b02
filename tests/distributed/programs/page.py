"""The program on the page docs/parallel.md, as it stands there, in a folder of its own; run by mpiexec."""

import os
import re
import sys
from pathlib import Path

page = (Path(__file__).parents[3] / "docs" / "parallel.md").read_text(encoding="utf-8")
code = re.search(r"```python\n(.*?)```", page, re.S)[1]
os.chdir(sys.argv[1])
exec(compile(code, "docs/parallel.md", "exec"))
