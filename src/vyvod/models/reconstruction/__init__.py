"""Networks that draw an image again: a file for each architecture."""
