"""How Sphinx builds the site: ``python -m sphinx docs out``, after ``pip install -e ".[docs]"``.

It runs the lessons, which takes minutes; ``-D plot_gallery=0`` leaves their outputs away.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "extensions"), str(Path(__file__).parents[1])]

from minigrad.version import __version__ as version  # noqa: E402

project = "minigrad"
author = "The minigrad maintainers"
copyright = "the minigrad maintainers, MIT license"
release = version

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "lesson_pages",
    "reference",
    "replays",
    "repository",
]
exclude_patterns = ["lessons/index.rst"]  # docs/lessons.md stands for it
nitpicky = True
suppress_warnings = ["sphinx_gallery.duplicate_filename"]  # tasks and solutions have their lesson's name, and no page

default_role = "py:obj"
autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
myst_heading_anchors = 3
highlight_language = "python"

sphinx_gallery_conf = {
    "examples_dirs": "../lessons",
    "gallery_dirs": "lessons",
    "backreferences_dir": "lessons/backreferences",  # what minigallery needs
    "filename_pattern": r"\d\d_\w+\.py",
    "ignore_pattern": r"/(zoo|exercises|solutions)/",
    "nested_sections": False,
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("lesson_pages.figures",),
    "reset_modules": ("matplotlib", "lesson_pages.alone"),
    "reset_modules_order": "both",
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "furo"
html_title = f"minigrad {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
