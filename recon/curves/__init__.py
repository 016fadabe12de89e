"""Curves: a value at each position of [-1, 1], known at a few points (Tulsiani & Gupta 2021, section 6.1)."""
