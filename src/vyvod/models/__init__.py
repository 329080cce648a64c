"""Stage 2: from images to outputs."""
