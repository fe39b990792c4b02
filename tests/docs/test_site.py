"""The site's sources: every page can be reached, every link leads somewhere, every public name is in the reference."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*") if path.suffix in (".md", ".rst") and "lessons" not in path.parts)
TEXTS = [*DOCS.glob("*.md"), *(ROOT / name for name in ("README.md", "lessons/README.md", "benchmarks/README.md"))]
#: A page names its children in a block; the first pattern is Markdown's, the second reST's.
TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```|^\.\. toctree::\n((?: .*\n|\n)+)", re.M | re.S)


def extension(name):
    """One of the site's own extensions of Sphinx, which isn't needed for those asked for here."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "extensions" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


names, repository = extension("names"), extension("repository")


def children(page):
    """The pages that a page's table of contents names, as paths without suffix."""
    for markdown, rest in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for line in (markdown + rest).splitlines():
            if line.strip() and not line.strip().startswith(":"):
                yield (page.parent / line.strip()).relative_to(DOCS).as_posix()


def test_every_page_can_be_reached_from_the_front_page():
    named = {child for page in PAGES for child in children(page)}
    assert "lessons/[0-9]*" in named
    missing = [page for page in PAGES if page.relative_to(DOCS).with_suffix("").as_posix() not in {*named, "index"}]
    assert missing == []
    assert len(PAGES) > 30


@pytest.mark.parametrize("package", sorted(names.listed(DOCS / "api")))
def test_every_public_name_is_in_the_reference_once(package):
    assert sorted(names.listed(DOCS / "api")[package]) == sorted(names.public(package))
    assert set(names.rooms(package)) <= names.described(DOCS / "api")


def test_the_reference_has_every_room():
    needed = ("nn", "nn.functional", "nn.init", "skip", "inspect", "plot", "optim", "data", "models", "distributed")
    assert {"minigrad", *(f"minigrad.{room}" for room in needed)} <= set(names.listed(DOCS / "api"))


def test_a_word_that_chooses_nothing_is_an_error():
    with pytest.raises(ValueError, match="neither a public name"):
        names.chosen("minigrad", "ops.conv ops.nonsense")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files_here_and_to_pages_on_the_site(text):
    stood = text.relative_to(ROOT).as_posix()
    source = text.read_text(encoding="utf-8")
    for path in repository.LINK.findall(source):
        assert (text.parent / path).exists(), path
    page = DOCS / Path(repository.page_of(stood)).relative_to("docs")
    for path in repository.LINK.findall(repository.turned(source, stood, page.relative_to(ROOT).as_posix())):
        made = re.fullmatch(r"lessons/(\d\d_\w+)\.rst", path)
        assert (ROOT / "lessons" / f"{made[1]}.py" if made else page.parent / path).exists(), path


def test_what_a_page_brings_in_is_there():
    brought = [found for page in DOCS.glob("*.md") for found in repository.BRING.findall(page.read_text("utf-8"))]
    assert len(brought) >= 8
    for path, title in brought:
        assert repository.section((ROOT / path).read_text(encoding="utf-8"), title or None).strip()
    with pytest.raises(ValueError, match="no section"):
        repository.section("# One\n", "Two")
