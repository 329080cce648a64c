"""The conclusions of a person: a marked part of README.md that no regeneration changes."""

import re
from pathlib import Path

from vyvod.errors import RunError
from vyvod.report.document import OwnText
from vyvod.report.text import TEXTS, Words

START, END = "<!-- vyvod: your conclusions -->", "<!-- vyvod: end -->"
_LINE = r"(?m)^{}[ \t]*\r?$"
"""A mark is a line of its own: names and values that look like one are none."""


def read_own(readme: Path, words: Words) -> OwnText:
    """What a person has written into README.md, or the invitation to do so.

    Args:
        readme: the old file; it need not exist.
        words: the language of the invitation.

    Raises:
        RunError: the file cannot be read, or one of the two marks is missing, so that a text would be lost.
    """
    kept = _between(readme) if readme.is_file() else None
    if kept is None or _without_invitation(kept) == "":
        return OwnText(START, END, f"\n{words.say('own_invitation')}\n", [words.say("own_empty", start=START, end=END)])
    # A page is UTF-8 and holds no half letters.
    shown = _without_invitation(kept).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return OwnText(START, END, kept, [part.strip() for part in re.split(r"\n\s*\n", shown) if part.strip()])


def _between(readme: Path) -> str | None:
    try:
        # Bytes, for line ends and letters of any coding to stay what they are.
        text = readme.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise RunError(f"{readme} cannot be read: {error}. It may hold conclusions that would be lost.") from error
    first = re.search(_LINE.format(re.escape(START)), text)
    last = list(re.finditer(_LINE.format(re.escape(END)), text))
    if first is None and not last:
        return None
    if first is None or not last or last[-1].start() < first.end():
        raise RunError(
            f"{readme} has lost one of the lines {START} and {END}, between which your conclusions stand. Put it back, so that "
            "they can be kept; or take both away with the text between them."
        )
    return text[first.start() + len(START) : last[-1].start()]


def _without_invitation(text: str) -> str:
    invitations = TEXTS["own_invitation"]
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line for line in lines if line.strip() not in invitations).strip()
