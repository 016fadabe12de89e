"""Run by hand: `python -m benchmarks.NAME`."""
