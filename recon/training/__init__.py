"""Training: recipes, one a checkpoint, and the loop that follows them."""
