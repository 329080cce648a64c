"""Stage 1: images and targets."""
