"""Stage 3: the one training loop."""
