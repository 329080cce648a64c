"""Images with the network's output: which ones are shown, and reading them. What is drawn of them is up to the task."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image

from vyvod.errors import RunError
from vyvod.report.document import Choice
from vyvod.report.records import ROLES, ExampleRecord
from vyvod.report.text import Words

Example = TypeVar("Example", bound=ExampleRecord)


def choose(examples: Sequence[Example], count: int) -> list[Example]:
    """Up to ``count`` examples: half of them random, the others the worst and the best; the rest of the gallery fills up."""
    by_role: dict[str, list[Example]] = {
        role: [example for example in examples if example.role == role] for role in ROLES
    }
    shares = {"random": count - count // 2, "worst": count // 2 - count // 5, "best": count // 5}
    chosen = [example for role, share in shares.items() for example in by_role[role][:share]]
    spare = [example for role in ROLES for example in by_role[role] if example not in chosen]
    return in_order(chosen + spare[: count - len(chosen)])


def in_order(examples: Sequence[Example]) -> list[Example]:
    """The examples by their role, those of a role as they are stored."""
    return sorted(examples, key=lambda example: ROLES.index(example.role))


def role_choices(examples: Sequence[ExampleRecord], words: Words) -> list[Choice]:
    """A button for each reason why an image is shown; none where there is only one."""
    roles = [role for role in ROLES if any(example.role == role for example in examples)]
    return [Choice(role, words.say(f"group_{role}")) for role in roles if len(roles) > 1]


def find_picture(folder: Path, name: str) -> Path | None:
    """A picture of a run, or None where it is missing or lies outside of the run folder."""
    path = (folder / name).resolve()
    if not path.is_file():
        path = (folder / "examples" / name).resolve()
    return path if path.is_file() and path.is_relative_to(folder.resolve()) else None


def open_picture(folder: Path, name: str) -> Image.Image:
    """A picture of a run, as it is stored.

    Raises:
        RunError: it is missing, or cannot be decoded.
    """
    path = find_picture(folder, name) or folder / name
    try:
        with Image.open(path) as image:
            image.load()
            return image.copy()
    except Exception as error:  # Pillow's decoders raise what they like on damaged files
        raise RunError(f"{path} cannot be decoded: {error}. `vyvod evaluate RUN` writes the examples again.") from error
