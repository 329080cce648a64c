"""Vyvod: from an idea in computer vision to a conclusion that can be defended."""

__version__ = "0.1.0"
