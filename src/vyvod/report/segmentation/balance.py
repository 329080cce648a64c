"""How many pixels of each class the masks of a data set hold."""

import math
from collections.abc import Mapping

import numpy as np

from vyvod.report.document import Block, Cell, Column, Note, Paragraph, Picture, Pictures, Strong, Table, Text
from vyvod.report.figures import NAMED_BARS, class_balance
from vyvod.report.records import SPLITS, Floats, PixelsRecord, Run
from vyvod.report.segmentation.masks import class_texts
from vyvod.report.text import Words

_UNEVEN = 1.5
"""Times the pixels of the smallest class that the largest may have to be worth no word."""


def blocks(run: Run, words: Words) -> list[Block]:
    """Shares of the pixels in words, as bars and as a table; what train lacks as a warning. Nothing where none were counted."""
    counted = _counted(run)
    if not counted:
        return []
    shares = {split: _shares(record) for split, record in counted.items()}
    sentences: list[Block] = []
    if "train" in counted:
        sentences = [*_absent(run, words, counted["train"]), *_uneven(run, words, shares["train"])]
    key = "cap_pixel_shares" if len(run.classes) <= NAMED_BARS else "cap_pixel_ranks"
    title = words.say("fig_pixel_shares")
    amounts = {split: values.tolist() for split, values in shares.items()}
    figure = class_balance(run.classes, amounts, title=title, words=words, shares=True)
    picture = Picture("class_balance", figure, words.say("alt_table", title=title), words.say(key))
    return [*sentences, Pictures([picture]), _table(run, words, counted, shares)]


def _counted(run: Run) -> dict[str, PixelsRecord]:
    records = {split: record.pixels for split in SPLITS if (record := run.record.data.splits.get(split))}
    whole = {split: pixels for split, pixels in records.items() if pixels and any(pixels.counts)}
    return {split: pixels for split, pixels in whole.items() if len(pixels.counts) == len(run.classes)}


def _shares(record: PixelsRecord) -> Floats:
    counts = np.asarray(record.counts, dtype=np.float64)
    shares: Floats = counts / counts.sum()
    return shares


def _absent(run: Run, words: Words, record: PixelsRecord) -> list[Block]:
    names = [name for name, count in zip(run.classes, record.counts, strict=True) if not count]
    if not names:
        return []
    masks = words.count(record.masks, "mask")
    return [Note(words.text("pixels_absent", masks=masks, names=", ".join(names)), "warning")]


def _uneven(run: Run, words: Words, shares: Floats) -> list[Block]:
    there = np.where(shares > 0, shares, math.nan)
    largest, smallest = int(np.nanargmax(there)), int(np.nanargmin(there))
    if there[largest] < _UNEVEN * there[smallest]:
        return []
    sentence: Text = words.text(
        "pixels_uneven",
        largest=Strong(run.classes[largest]),
        most=words.share(shares[largest]),
        smallest=Strong(run.classes[smallest]),
        least=words.share(shares[smallest]),
    )
    return [Paragraph(sentence)]


def _table(run: Run, words: Words, counted: Mapping[str, PixelsRecord], shares: Mapping[str, Floats]) -> Table:
    columns = [Column(words.say("col_number"), numeric=True), Column(words.say("col_class"))]
    for split, record in counted.items():
        name = words.say(f"split_{split}")
        columns.append(Column(words.say("col_share_in", split=name), numeric=True))
        columns.append(Column(words.say("col_masks_in", masks=words.integer(record.masks), split=name), numeric=True))
    rows = []
    for place, text in enumerate(class_texts(run)):
        cells = [Cell((str(place + 1),), place + 1), Cell(text)]
        for split, record in counted.items():
            share = float(shares[split][place])
            images = record.images[place] if len(record.images) == len(run.classes) else None
            cells += [Cell((words.share(share),), share), Cell((words.integer(images),), images)]
        rows.append(cells)
    return Table(words.say("table_pixels"), columns, rows, sortable=True)
