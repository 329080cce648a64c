"""Reading a notebook that somebody else has written: every value may have any type, and nothing in it is run."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vyvod.coursework.check.markdown import MOST_BLOCKS, Block, parse
from vyvod.errors import UserError

LIMIT = 48 * 2**20
"""Bytes of the largest notebook that is read."""
_CELLS, _OUTPUTS, _TEXT = 2000, 50, 100_000
_FORMATS = ("image/png", "image/jpeg", "image/svg+xml")
_COLAB = re.compile(r"google\.colab|/content/|/kaggle/(input|working)|kaggle_secrets|\bcolab_utils\b")
_RATIO = re.compile(r"[01]\.\d+")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class NotebookError(UserError):
    """A file that ends in .ipynb is no notebook."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """What there is to see in a notebook."""

    blocks: list[Block]
    """Its sentences, code, output texts and output pictures in their order; the lines are numbers of cells."""
    code_cells: int
    """Those with any code."""
    online: bool
    """Whether it shows signs of having been used in Colab or Kaggle."""
    missing: list[str] = field(default_factory=list)
    """Pictures that are named in it but are not there."""


def read(content: bytes, file: str) -> Notebook:
    """What there is to see in a notebook.

    Args:
        content: of the file.
        file: named in the places.

    Raises:
        NotebookError: it is not JSON, or not of nbformat.
    """
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        raise NotebookError(f"{file} is not readable JSON; save it again from Jupyter, Colab or Kaggle.") from None
    if not isinstance(record, dict):
        raise NotebookError(f"{file} holds {type(record).__name__}; expected a notebook (nbformat 4).")
    cells = record.get("cells")
    if not isinstance(cells, list):  # nbformat 3
        sheets = _list(record.get("worksheets"))
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in _list(sheet.get("cells"))]
        if not sheets:
            raise NotebookError(f"{file} has no list of cells; save it again from Jupyter, Colab or Kaggle.")
    metadata = _dict(record.get("metadata"))
    blocks: list[Block] = []
    for number, cell in enumerate(cells[:_CELLS], start=1):
        if isinstance(cell, dict) and len(blocks) < MOST_BLOCKS:
            blocks += _cell(cell, file, number)
    ours = "vyvod" in metadata  # it runs everywhere, and names all places
    told = "\n".join(block.text for block in blocks if block.kind in (("text",) if ours else ("text", "code")))
    online = _COLAB.search(told) is not None or (not ours and ("colab" in metadata or "kaggle" in metadata))
    code_cells = sum(block.kind == "code" and bool(block.text.strip()) for block in blocks)
    return Notebook(blocks, code_cells, online)


def _cell(cell: dict[str, Any], file: str, number: int) -> list[Block]:
    source = _joined(cell.get("source", cell.get("input")))
    kind = cell.get("cell_type")
    if kind == "markdown":
        attachments = _dict(cell.get("attachments"))
        return [_attached(_numbered(block, number), attachments) for block in parse(source, file)]
    if kind == "heading":
        return [Block("heading", source, file, number, level=2)]
    if kind != "code":
        return []
    blocks = [Block("code", source[:_TEXT], file, number)]
    for output in _list(cell.get("outputs"))[:_OUTPUTS]:
        if isinstance(output, dict):
            blocks += _output(output, source, file, number)
    return blocks


def _numbered(block: Block, number: int) -> Block:
    return Block(block.kind, block.text, block.file, number, block.level, block.address, block.rows, block.data)


def _attached(block: Block, attachments: dict[str, Any]) -> Block:
    name = block.address.removeprefix("attachment:")
    if block.kind != "image" or name == block.address:
        return block
    data = _picture(_dict(attachments.get(name)))
    return Block("image", block.text, block.file, block.line, address=block.address, data=b"" if data is None else data)


def _output(output: dict[str, Any], source: str, file: str, number: int) -> list[Block]:
    """Text and picture of an output; the code beside a picture is all that says what it shows."""
    data = _dict(output.get("data")) or output  # nbformat 3 has no `data`
    text = _ANSI.sub("", _joined(output.get("text")) or _joined(data.get("text/plain")))[:_TEXT]
    blocks: list[Block] = []
    html = _joined(data.get("text/html"))
    if "<table" in html.lower():
        blocks += [_numbered(block, number) for block in parse(html, file) if block.kind == "table"]
    rows = tuple(_report_rows(text)) if "precision" in text else ()
    if rows:
        head = ("class", "precision", "recall", "f1-score", "support")
        blocks.append(
            Block("table", "\n".join(" | ".join(row) for row in (head, *rows)), file, number, rows=(head, *rows))
        )
    picture = _picture(data)
    if picture is not None:
        blocks.append(Block("image", source[:_TEXT], file, number, address=f"cell {number}", data=picture))
    elif text.strip():
        blocks.append(Block("text", text, file, number))
    return blocks


def _report_rows(text: str) -> Iterator[tuple[str, ...]]:
    """Rows of what ``classification_report`` of scikit-learn prints: a name, three ratios and a count."""
    for line in text.splitlines():
        parts = line.rsplit(maxsplit=4)
        if len(parts) == 5 and parts[4].isdecimal() and all(map(_RATIO.fullmatch, parts[1:4])):
            yield parts[0].lstrip(), *parts[1:]


def _picture(data: dict[str, Any]) -> bytes | None:
    for name in (*_FORMATS, "png", "jpeg", "svg"):
        content = _joined(data.get(name))
        if not content:
            continue
        if "svg" in name:
            return content.encode()
        try:
            return base64.b64decode(content)
        except (binascii.Error, ValueError):
            return b""
    return None


def _joined(value: Any) -> str:
    """Text of nbformat: a string, or a list of them."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
