"""`app.py` brings in what a page cannot be without, and no more; nor does its first picture."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# each takes up to a second; gradio itself needs pandas, and takes mcp where it is installed
LATE = ("skimage", "scipy", "qmcpy", "imageio", "matplotlib", "sympy", "networkx", "torchvision", "torch._dynamo")
FIRST = """
from recon.ui.handlers import Handlers
Handlers(app.engine).restore("", "mean", True, "")
"""


@pytest.mark.parametrize(("more", "late"), [("", LATE), (FIRST, ("scipy.stats", "qmcpy", "sympy", "matplotlib"))])
def test_importing_the_app_leaves_alone_what_can_wait(more, late):
    code = f"import sys, app\n{more}\nprint('there:', *[name for name in {late} if name in sys.modules])"
    settings = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "there:"
