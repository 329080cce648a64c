"""The command line: the only place that prints."""

from vyvod.cli.commands import main
from vyvod.cli.words import app

__all__ = ["app", "main"]
