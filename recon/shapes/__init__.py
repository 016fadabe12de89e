"""Shapes: signed distances in a cube, known at a few points (Tulsiani & Gupta 2021, section 6.2)."""
