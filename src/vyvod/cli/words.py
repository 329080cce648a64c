"""What all commands share: how they are registered and end, how their words are read, how tables are printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import typer

from vyvod.errors import SettingsError, UserError

app = typer.Typer(
    name="vyvod",
    help="From an idea in computer vision to a conclusion that you can defend.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
WORDS = {"allow_extra_args": True, "ignore_unknown_options": True}


def command(
    *, name: str | None = None, parent: typer.Typer = app, words: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command that ends with exit code 2 and one sentence where the user can mend something."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                function(*args, **kwargs)
            except UserError as error:
                tell(f"Error: {error}")
                raise typer.Exit(2) from None
            except KeyboardInterrupt:
                tell("Stopped.")
                raise typer.Exit(130) from None

        parent.command(name=name, context_settings=WORDS if words else None)(guarded)
        return guarded

    return register


def all_words(context: typer.Context, words: Sequence[str] | None) -> list[str]:
    """Everything that was typed, as key=value words in their order."""
    # `--training.epochs 5` and `--training.epochs=5` are taken for what they mean. Options that are not known stay among the
    # words, in their order; the second list has what a command without room for them leaves over.
    given = [*(words or []), *context.args]
    spelled: list[str] = []
    waiting = None
    for word in given:
        if waiting is not None:
            spelled.append(f"{waiting}={word}")
            waiting = None
        elif word.startswith("--"):
            key = word[2:]
            if "=" in key:
                spelled.append(key)
            else:
                waiting = key
        else:
            spelled.append(word)
    if waiting is not None:
        raise SettingsError(f"--{waiting} has no value. Write {waiting}=VALUE.")
    return spelled


def take(words: Sequence[str], key: str, *, default: str) -> tuple[str, list[str]]:
    """The last value of a key, and the words without it."""
    found = [word.partition("=")[2] for word in words if word.startswith(f"{key}=")]
    return (found[-1] if found else default), [word for word in words if not word.startswith(f"{key}=")]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as what stands in them."""
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    for row in ([head] if any(head) else []) + list(rows):
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def tell(text: str) -> None:
    """A sentence beside the results."""
    print(text, file=sys.stderr)
