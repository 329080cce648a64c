"""Markdown as a flat list of blocks: headings, labels, sentences, tables, pictures, links. Nothing in it is run or loaded."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import islice
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

Kind = Literal["heading", "label", "text", "table", "image", "link", "mark", "code"]

LABEL = 8
"""The level of a label: below every heading."""
_LONGEST = 200_000
"""Characters that are read: a README is never longer, unless it is meant to take time."""
_LONGEST_LINE = 20_000
MOST_BLOCKS = 20_000
"""Of a page, or of all pages of a branch; a homework has some hundreds."""
_DATA = re.compile(r"data:image/[\w.+-]{1,40};base64,([A-Za-z0-9+/=]+)")
_PLAIN_LABEL = re.compile(r"^(?P<label>[^\W\d_][^.:;!?|]{1,45}?)\s*[:：]\s*(?P<rest>.*)$", re.DOTALL)
_MARK = re.compile(r"<!--\s*(vyvod:[^<>]{0,2000}?)\s*-->")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LINE_TAGS = {
    "p",
    "div",
    "li",
    "br",
    "summary",
    "details",
    "center",
    "figcaption",
    "figure",
    "ul",
    "ol",
    "table",
    "pre",
    "tr",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page."""

    kind: Kind
    text: str
    """What is read; of an image its alternative text and title, of a mark what stands in the comment."""
    file: str
    line: int
    """From 1; of a notebook the number of the cell."""
    level: int = 0
    """1 to 6 of a heading, ``LABEL`` of a label such as ``**Goal.**``."""
    address: str = ""
    """Of an image or a link."""
    rows: tuple[tuple[str, ...], ...] = ()
    """Of a table, its head first."""
    data: bytes | None = field(default=None, repr=False)
    """Of an image that is not in a file."""

    @property
    def place(self) -> str:
        """File and line, as a person looks for it."""
        return f"{self.file}, cell {self.line}" if self.file.endswith(".ipynb") else f"{self.file}:{self.line}"


def parse(text: str, file: str) -> list[Block]:
    """The blocks of a Markdown text in their order.

    Args:
        text: Markdown, possibly with HTML; hostile texts are cut to a length that takes a moment.
        file: named in the places.
    """
    embedded: list[bytes] = []
    text = _DATA.sub(lambda found: _embed(found[1], embedded), text)
    lines = [line[:_LONGEST_LINE] for line in text[:_LONGEST].replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    parser = (
        MarkdownIt("commonmark", {"maxNesting": 20})
        .enable("table")
        .disable(["entity"] if text.count("&") > 50_000 else [])
    )
    tokens = parser.parse("\n".join(lines))
    return [_filled(block, embedded) for block in islice(_blocks(tokens, file), MOST_BLOCKS)]


def _embed(letters: str, embedded: list[bytes]) -> str:
    try:
        embedded.append(base64.b64decode(letters))
    except (binascii.Error, ValueError):
        embedded.append(b"")
    return f"embedded:{len(embedded) - 1}"


def _filled(block: Block, embedded: Sequence[bytes]) -> Block:
    scheme, _, number = block.address.partition(":")
    if block.kind == "image" and scheme == "embedded" and number.isdigit() and int(number) < len(embedded):
        return replace(block, data=embedded[int(number)])
    return block


def _blocks(tokens: Sequence[Token], file: str) -> Iterator[Block]:
    line, level, position = 1, 0, 0
    while position < len(tokens):
        token = tokens[position]
        line = token.map[0] + 1 if token.map else line
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "heading_close":
            level = 0
        elif token.type == "table_open":
            end = next(at for at in range(position, len(tokens)) if tokens[at].type == "table_close")
            yield from _table(tokens[position:end], file, line)
            position = end
        elif token.type == "inline":
            yield from _inline(token, file, line, level)
        elif token.type in ("fence", "code_block"):
            yield Block("code", token.content, file, line)
        elif token.type == "html_block":
            yield from _html(token.content, file, line)
        position += 1


def _table(tokens: Sequence[Token], file: str, line: int) -> Iterator[Block]:
    rows: list[list[str]] = []
    beside: list[Block] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            parts = list(_inline(token, file, token.map[0] + 1 if token.map else line, 0, labels=False))
            rows[-1].append(" ".join(part.text for part in parts if part.kind in ("text", "link")).strip())
            beside += [part for part in parts if part.kind in ("image", "link")]
    yield Block("table", "\n".join(" | ".join(row) for row in rows), file, line, rows=tuple(tuple(row) for row in rows))
    yield from beside


@dataclass
class _Line:
    """A line of a paragraph while it is read."""

    text: str = ""
    bold: str = ""
    """What stands in bold at its beginning."""
    beside: list[Block] = field(default_factory=list)


def _inline(token: Token, file: str, line: int, level: int, *, labels: bool = True) -> Iterator[Block]:
    """Sentences, pictures and links of a paragraph or a heading, line by line."""
    lines = [_Line()]
    bold = False
    link = ""
    for part in token.children or []:
        here = lines[-1]
        match part.type:
            case "softbreak" | "hardbreak":
                lines.append(_Line())
            case "strong_open" | "strong_close":
                bold = part.type == "strong_open" and not here.text.strip()
            case "link_open":
                link = str(part.attrs.get("href", ""))
                here.beside.append(Block("link", "", file, line + len(lines) - 1, address=link))
            case "image":
                words = f"{part.content} {part.attrs.get('title', '')}".strip()
                here.beside.append(
                    Block("image", words, file, line + len(lines) - 1, address=str(part.attrs.get("src", "")))
                )
            case "html_inline":
                here.beside += _tag(part.content, file, line + len(lines) - 1)
                lines += [_Line()] if part.content.lower().startswith("<br") else []
            case "text" | "code_inline":
                here.text += part.content
                here.bold += part.content if bold else ""
    if level:
        title = " ".join(one.text for one in lines).strip()
        yield Block("heading", title, file, line, level=level)
        yield from (block for one in lines for block in one.beside)
    else:
        for number, one in enumerate(lines):
            yield from _sentences(one, file, line + number, labels=labels)


def _sentences(line: _Line, file: str, number: int, *, labels: bool) -> Iterator[Block]:
    text = line.text.strip()
    plain = _PLAIN_LABEL.match(text)
    if labels and line.bold.strip(" .:—–-"):
        yield Block("label", line.bold.strip(" .:—–-"), file, number, level=LABEL)
        text = text[len(line.bold.strip()) :].lstrip(" .:—–-")
    elif labels and plain is not None and len(plain["label"].split()) <= 5:
        yield Block("label", plain["label"], file, number, level=LABEL)
        text = plain["rest"].strip()
    if text:
        yield Block("text", text, file, number)
    yield from line.beside


def _tag(text: str, file: str, line: int) -> list[Block]:
    """The picture, link or mark that one tag between other words is."""
    return [block for block in _html(text, file, line) if block.kind in ("image", "link", "mark")]


def _html(text: str, file: str, line: int) -> list[Block]:
    reader = _Html(file, line)
    if text.count("<!--") > 100 + text.count("-->") or text.count("<") > 1000 + 2 * text.count(">"):
        return []  # for every tag that never ends the reader would look through all that follows
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, ValueError):  # what it raises on malformed declarations
        pass
    reader.flush()
    return reader.blocks


class _Html(HTMLParser):
    """Headings, tables, pictures, links and sentences of HTML inside of Markdown."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.file, self.first = file, line
        self.words: list[str] = []
        self.level = 0
        self.rows: list[list[str]] | None = None
        self.silent = False

    @property
    def line(self) -> int:
        return self.first + self.getpos()[0] - 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "img":
            words = f"{attributes.get('alt', '')} {attributes.get('title', '')}".strip()
            self.blocks.append(Block("image", words, self.file, self.line, address=attributes.get("src", "")))
        elif tag == "a":
            self.blocks.append(Block("link", "", self.file, self.line, address=attributes.get("href", "")))
        elif tag in _HEADINGS:
            self.flush()
            self.level = _HEADINGS[tag]
        elif tag in ("script", "style"):
            self.silent = True
        elif tag == "table":
            self.flush()
            self.rows = []
        elif self.rows is not None and tag in ("tr", "td", "th"):
            self._cell(tag)
        elif tag in _LINE_TAGS:
            self.flush()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.silent = False
        elif tag == "table" and self.rows is not None:
            rows = tuple(tuple(row) for row in self.rows if row)
            self.rows = None
            text = "\n".join(" | ".join(row) for row in rows)
            self.blocks.append(Block("table", text, self.file, self.line, rows=rows))
        elif tag in _HEADINGS or (tag in _LINE_TAGS and self.rows is None):
            self.flush()

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()
        elif self.rows is None:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        mark = _MARK.match(f"<!--{data}-->")
        if mark:
            self.flush()
            self.blocks.append(Block("mark", mark[1], self.file, self.line))

    def flush(self) -> None:
        """End the sentence or heading that is being read."""
        text, self.words = " ".join("".join(self.words).split()), []
        level, self.level = self.level, 0
        if not text:
            return
        if level:
            self.blocks.append(Block("heading", text, self.file, self.line, level=level))
        else:
            self.blocks += _sentences(_Line(text), self.file, self.line, labels=True)

    def _cell(self, tag: str) -> None:
        assert self.rows is not None  # noqa: S101 - for the type checker
        if tag == "tr":
            self.rows.append([])
        elif self.rows:
            self.rows[-1].append("")


def part(blocks: Sequence[Block], at: int) -> list[Block]:
    """What stands under the heading or label at a position: up to the next of the same or a higher level in that file."""
    head = blocks[at]
    found: list[Block] = []
    for place in range(at + 1, len(blocks)):
        block = blocks[place]
        if block.file != head.file or (0 < block.level <= head.level):
            break
        found.append(block)
    return found


def above(blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    """The headings and labels that each of some blocks stands under, the nearest first."""
    found: list[tuple[Block, ...]] = []
    heads: tuple[Block, ...] = ()
    for block in blocks:
        heads = heads if heads and heads[0].file == block.file else ()
        if block.level:
            heads = tuple(head for head in heads if head.level < block.level)
        found.append(heads)
        if block.level:
            heads = (block, *heads)
    return found


def beside(blocks: Sequence[Block], at: int) -> str:
    """What is said right before and after a picture or table: its caption, and not that of its neighbour."""
    before, after = _nearest(blocks, at, -1), _nearest(blocks, at, 1)
    near = before[:1] if not before or _leads_on(blocks, before[0]) is not False else []
    near = [*near, *([] if after and _leads_on(blocks, after[0]) is True else after)]
    return " ".join(blocks[place].text for place in near if blocks[place].kind in ("text", "label"))


_AROUND = 3
_PASSED = ("code", "link", "mark")
_CAPTION = re.compile(r"(рис|fig)", re.IGNORECASE)


def _nearest(blocks: Sequence[Block], at: int, step: int) -> list[int]:
    """Positions of the block right before, or of the line right after."""
    if step < 0:
        before = [place for place in range(at - 1, max(at - 1 - _AROUND, -1), -1) if blocks[place].kind != "code"]
        found = before[:1]
    else:
        found = [
            place
            for place in range(at + 1, min(at + 1 + _AROUND, len(blocks)))
            if blocks[place].line == blocks[at + 1].line
        ]
    return [place for place in found if blocks[place].file == blocks[at].file]


def _leads_on(blocks: Sequence[Block], at: int) -> bool | None:
    """Of words between two pictures: whether they are about the second; None of other words."""
    if blocks[at].kind not in ("text", "label"):
        return None
    before, after = _row(blocks, at, -1), _row(blocks, at, 1)
    if before[:1] != ["image"] or after[:1] != ["image"]:
        return None
    with_first, with_second = (_on_line(blocks, at, step) for step in (-1, 1))
    if with_first is not with_second:
        return with_second
    if _CAPTION.match(blocks[at].text):
        return False
    if blocks[at].kind == "label" or blocks[at].text.endswith(":"):
        return True
    # Captions stand above where a row of captions and pictures begins with one and ends with a picture.
    return before[-1] == "words" and after[-1] == "image"


def _on_line(blocks: Sequence[Block], at: int, step: int) -> bool:
    """Whether the words stand on one line with the picture before or after."""
    near = blocks[at + step]
    return near.kind == "image" and near.line == blocks[at].line


def _row(blocks: Sequence[Block], at: int, step: int) -> list[str]:
    """What follows in one direction, ``image`` and ``words`` in turns, up to a heading or a table."""
    found: list[str] = []
    for place in range(at + step, min(max(at + 40 * step, -1), len(blocks)), step):
        kind = blocks[place].kind
        if kind in ("heading", "table") or blocks[place].file != blocks[at].file:
            break
        named = "image" if kind == "image" else "words"
        if kind not in _PASSED and found[-1:] != [named]:
            found.append(named)
    return found


def written(blocks: Sequence[Block]) -> str:
    """All words of some blocks."""
    return "\n".join(block.text for block in blocks if block.kind in ("heading", "label", "text", "table", "code"))
