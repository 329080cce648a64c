"""Stage 4: how good, and how sure."""
