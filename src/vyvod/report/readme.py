"""The report as GitHub Markdown: README.md with pictures beside it."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from vyvod.report.document import (
    Badge,
    Block,
    Cell,
    Code,
    Column,
    Document,
    Gallery,
    Heading,
    Inline,
    Judgement,
    Link,
    Listing,
    Mark,
    Note,
    OwnText,
    Page,
    Paragraph,
    Picture,
    Pictures,
    Points,
    Section,
    Strong,
    Swatch,
    Table,
    Text,
    Tiles,
    VerdictBox,
)
from vyvod.report.text import Words

_LONG_TABLE = 30
_ALERTS: dict[Judgement, str] = {
    "better": "TIP",
    "worse": "CAUTION",
    "equivalent": "NOTE",
    "undecided": "IMPORTANT",
    "none": "IMPORTANT",
}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}


def render(document: Document, words: Words) -> str:
    """The report as Markdown, with pictures as ``figures/<name>.png``."""
    parts = [f"# {escape(document.title)}", _line((document.byline,))]
    parts += [_block(block, words) for block in document.lead]
    parts += [_section(section, words) for section in document.sections]
    return "\n\n".join([*parts, "---", _line((document.footer,))]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown, GitHub's tables, HTML and formulas leave alone, on one line and not at its start."""
    text = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
    text = re.sub(r"[&<>|]", lambda found: _ENTITIES[found[0]], text)
    text = re.sub(r"([\\`*\[\]~$])", r"\\\1", text)
    # Inside of words `_` means nothing, and names stay readable.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)


def _line(text: Text) -> str:
    """A paragraph: what would make a heading, a list or a rule of it loses that power."""
    line = _text(text)
    return re.sub(r"^(\s*)(\d*)(?=[#+.)=-])", r"\1\2\\", line)


def code(text: str) -> str:
    """Text as code on one line, also inside a table; backticks and bars survive."""
    text = " ".join(text.splitlines())
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    if "|" in text:
        # GitHub splits a row at every bar, also inside code; only an entity in an element survives everywhere.
        return f"<code>{_as_html(text)}</code>"
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"{fence}{text}{fence}"


def _as_html(text: str) -> str:
    escaped = re.sub(r"[&<>|]", lambda found: _ENTITIES[found[0]], text)
    return re.sub(r"[\\`*_\[\]~$]", lambda found: f"&#{ord(found[0])};", escaped)


def _section(section: Section, words: Words) -> str:
    return "\n\n".join([f"## {escape(section.title)}", *(_block(block, words) for block in section.blocks)])


def _block(block: Block, words: Words) -> str:
    match block:
        case Table():
            return _table(block, words)
        case Listing():
            return _listing(block)
        case Mark():
            return _mark(block)
        case OwnText():
            return f"{block.start}{block.text}{block.end}"
        case Pictures() | Gallery():
            pictures = block.items if isinstance(block, Pictures) else [block.picture]
            return "\n\n".join(_picture(picture) for picture in pictures)
        case _:
            return _sentences(block)


def _sentences(block: Paragraph | Points | Heading | Note | Tiles | VerdictBox) -> str:
    match block:
        case Paragraph():
            return _line(block.text)
        case Heading():
            return f"{'#' * block.level} {_text(block.text)}"
        case Points():
            return "\n".join(f"- {_line(item)}" for item in block.items)
        case Note():
            return f"> [!{'WARNING' if block.level == 'warning' else 'NOTE'}]\n> {_line(block.text)}"
        case Tiles():
            return _tiles(block.items)
        case VerdictBox():
            return _verdict(block)


def _mark(mark: Mark) -> str:
    # On one line, and nothing in it ends the comment early.
    return f"<!-- {' '.join(mark.text.split()).replace('>', '')} -->"


def _verdict(box: VerdictBox) -> str:
    alert = f"> [!{_ALERTS[box.badge.judgement]}]\n> {_line((box.badge, '. ', *box.text))}"
    return f"{alert}\n\n{_tiles([(value, label) for label, value in box.facts])}".rstrip()


def _text(text: Text) -> str:
    return "".join(_inline(part) for part in text)


def _inline(part: Inline) -> str:
    match part:
        case Strong() | Badge():
            return f"**{escape(part.text.strip())}**"
        case Code():
            return code(part.text)
        case Link():
            return _link(part)
        case Page():
            return f"[{escape(part.text)}]({quote(part.folder)}/README.md)"
        case Swatch():
            return ""
        case _:
            # The parts of a sentence keep the spaces at their ends.
            return escape(part) if part.strip() else part


def _link(link: Link) -> str:
    if not link.address.startswith(("https://", "http://", "../")):
        return escape(link.text)
    return f"[{escape(link.text)}]({quote(link.address, safe=':/?#@!$&*+,;=%~')})"


def _tiles(items: Sequence[tuple[str, str]]) -> str:
    if not items:
        return ""
    heads = " | ".join(escape(label) for _, label in items)
    values = " | ".join(f"**{escape(value)}**" for value, _ in items)
    return f"| {heads} |\n|{' :-: |' * len(items)}\n| {values} |"


def _table(table: Table, words: Words) -> str:
    caption, rows = f"*{escape(table.caption)}*", _rows(table.columns, table.rows)
    rows = f"{_mark(table.mark)}\n\n{rows}" if table.mark else rows
    if len(table.rows) <= _LONG_TABLE:
        return f"{caption}\n\n{rows}"
    title = _as_html(words.say("unfold_table", rows=words.integer(len(table.rows))))
    return f"{caption}\n\n<details><summary>{title}</summary>\n\n{rows}\n\n</details>"


def _rows(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    heads = " | ".join(escape(column.title) for column in columns)
    rules = " | ".join("--:" if column.numeric else ":--" for column in columns)
    lines = [" | ".join(_text(cell.text) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in (heads, rules, *lines))


def _picture(picture: Picture) -> str:
    name = re.sub(r"[^\w./+-]", lambda found: quote(found[0]), picture.name)
    return f"![{escape(picture.alt)}](figures/{name}.png)\n\n*{escape(picture.caption)}*"


def _listing(listing: Listing) -> str:
    longest = max((len(run) for run in re.findall(r"`+", listing.text)), default=0)
    fence = "`" * max(3, longest + 1)
    text = f"{fence}{listing.language}\n{listing.text}\n{fence}"
    if listing.folded is None:
        return text
    return f"<details><summary>{_as_html(listing.folded)}</summary>\n\n{text}\n\n</details>"
