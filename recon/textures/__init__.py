"""Textures: a directed model is fitted to one picture, and then draws more of it or mends it."""
