"""Clips: grey levels over time and space, known at a few points (Tulsiani & Gupta 2021, section 6.3)."""
