"""The page. `build` in `recon.ui.page` makes it; `app.py` launches it."""
