"""The page: `python app.py`, and what a Hugging Face Space runs."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from recon.ui.page import launch

if __name__ == "__main__":
    launch(show_error=False)
