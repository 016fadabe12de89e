"""The page: `python app.py`, and what a Hugging Face Space runs."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from recon.ui import zero_gpu  # noqa: F401  before all that may touch CUDA
from recon.ui.engine import Engine
from recon.ui.page import launch

engine = Engine()
engine.settle()

if __name__ == "__main__":
    launch(engine, show_error=False)
