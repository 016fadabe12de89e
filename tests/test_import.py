"""`import recon` is light: what only some need is imported where it is used."""

import subprocess
import sys

import recon

HEAVY = ("gradio", "qmcpy", "plotly", "scipy", "skimage", "PIL", "pandas", "matplotlib", "pyarrow", "recon.data")


def test_import_leaves_heavy_modules_alone():
    code = f"import sys, recon; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [] and done.stderr == ""


def test_public_names():
    for name in recon.__all__:
        assert getattr(recon, name) is not None
    for name in ("psnr_db", "ssim", "bits_per_dim"):
        assert callable(getattr(recon.metrics, name))
