"""Ways in which images and targets lie on a disk."""
