"""Sphinx configuration. Reference pages are written from the code before each build, see ``_ext/reference.py``."""

import os
import sys
from pathlib import Path

os.environ["PYWALL_PURE"] = "1"  # compiled classes keep neither annotations nor docstrings
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import reference

import pywall_core

project = "PyWall"
author = "The PyWall developers"
project_copyright = "2026, the PyWall developers"
release = version = pywall_core.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = f"PyWall {release}"
html_static_path = []
autodoc_typehints = "description"
autodoc_member_order = "bysource"


def setup(app):
    """Write the generated pages first."""
    reference.write(Path(__file__).parent / "reference" / "generated")
