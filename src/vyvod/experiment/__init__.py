"""Stage 6: the only folder that knows all the others."""
