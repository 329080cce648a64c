"""What only the report of a semantic segmentation has: pixels, masks, Dice of classes and of images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vyvod.report.contract import Shown
from vyvod.report.document import Block, Section, Strong, Text
from vyvod.report.headline import two_metrics
from vyvod.report.records import SPLITS, Arrays, ExampleRecord, InputRecord, Run, SplitRecord
from vyvod.report.segmentation import balance as pixels
from vyvod.report.segmentation import classes, confusion, gallery, images
from vyvod.report.stored import expect_names, expect_shape
from vyvod.report.text import Words

EXAMPLE: type[ExampleRecord] = gallery.MaskRecord
CURVES: Sequence[str] = ("dice", "iou", "pixel_accuracy", "dice_images")
SENTENCES: Mapping[str, str] = {
    "cost_macs": "segmentation_cost_macs",
    "origin_carved": "segmentation_origin_carved",
    "loss_end": "segmentation_loss_end",
    "cap_loss": "segmentation_cap_loss",
    "cap_metrics": "segmentation_cap_metrics",
}
TILES: Sequence[str] = ("dice", "iou", "pixel_accuracy")
LOWER_IS_BETTER: Sequence[str] = ("loss",)
_DEFINED = (
    "dice", "iou", "precision", "recall", "f1", "pixel_accuracy", "fw_iou", "dice_foreground", "iou_foreground",
    "dice_images", "boundary_f1", "loss",
)  # fmt: skip
DEFINITIONS: Mapping[str, str] = {name: f"define_{name}" for name in _DEFINED}

_LISTED = 20
"""Up to that many classes are named in the brief."""


def check_rows(path: Path, rows: Arrays, classes: int) -> None:
    """Raise `RunError` for rows that no segmentation of this run wrote."""
    expect_names(path, rows, ("id", "dice"))
    for name in ("true_positives", "support", "predicted"):
        expect_shape(path, rows, name, (len(rows["id"]), classes))


def check_totals(path: Path, totals: Arrays, classes: int) -> None:
    """Raise `RunError` for sums that no segmentation of this run wrote."""
    expect_shape(path, totals, "confusion", (classes, classes))


def brief(run: Run, words: Words) -> list[Text]:
    """The task in a sentence, the way of images into the network, and how its output is judged."""
    names, count = run.classes, words.count(len(run.classes), "class_of")
    if len(names) <= _LISTED:
        task = words.text("task_segmentation", classes=count, names=", ".join(names))
    else:
        task = words.text("task_segmentation_many", classes=count, names=", ".join(names[:3]), last=names[-1])
    return [task, _input(run, words), _evaluation(run, words)]


def _input(run: Run, words: Words) -> Text:
    seen, native = run.record.input, run.record.data.native_size
    if seen is None:
        return ()
    stored = words.say("native_fixed", height=native[0], width=native[1]) if native else words.say("native_various")
    crop = (seen.height, seen.width)
    whole = crop == (seen.image_size if isinstance(seen.image_size, tuple) else native)
    return words.text(
        "whole_input" if whole else "crop_input",
        native=stored,
        channels=words.say("grey" if seen.channels == 1 else "colour"),
        resized=_resized(seen, words),
        **({} if whole else {"crop": words.say("native_fixed", height=crop[0], width=crop[1])}),
    )


def _resized(seen: InputRecord, words: Words) -> str:
    if seen.image_size is None:
        return ""
    if isinstance(seen.image_size, int):
        return words.say("resized_shorter", side=seen.image_size)
    height, width = seen.image_size
    return words.say("resized_whole", size=words.say("native_fixed", height=height, width=width))


def _evaluation(run: Run, words: Words) -> Text:
    way = run.record.input.evaluation if run.record.input else None
    known = f"evaluated_{way}" if way in ("full", "sliding") else "evaluated"
    return (*words.text(known), *words.text("original_resolution"), *_ignored(run, words))


def _ignored(run: Run, words: Words) -> Text:
    for split in SPLITS:
        record = run.record.data.splits.get(split)
        if record and record.pixels and record.pixels.ignored:
            share = record.pixels.ignored / (record.pixels.ignored + sum(record.pixels.counts))
            return words.text("ignored_pixels", share=words.share(share), split=words.say(f"split_{split}"))
    return ()


def facts(run: Run, words: Words) -> dict[str, str]:
    """The definitions are the same for every run."""
    return {}


def headline(run: Run, words: Words, split: str) -> Text:
    """The headline metric and mIoU (macro Dice where mIoU is the headline), and the pixel accuracy."""
    overall, metric = run.scores[split].overall, run.record.headline
    other = "dice" if metric == "iou" else "iou"
    sentence = two_metrics(run, words, split, key="segmentation_headline", metrics=(metric, other))
    accuracy = overall.get("pixel_accuracy")
    if accuracy is None:
        return (*sentence, *words.text("headline_end"))
    return (*sentence, *words.text("segmentation_headline_accuracy", share=Strong(words.percent(accuracy))))


def split_sizes(record: SplitRecord, words: Words) -> dict[str, str]:
    """Images of the split, and what was counted in its masks."""
    counted = record.pixels
    return {
        words.say("col_images"): words.integer(record.images),
        words.say("col_masks"): words.integer(counted.masks if counted else None),
        words.say("col_pixels"): words.large(sum(counted.counts) if counted else None),
        words.say("col_ignored"): words.large(counted.ignored if counted else None),
    }


def balance(run: Run, words: Words) -> list[Block]:
    """Pixels of each class."""
    return pixels.blocks(run, words)


def examples(run: Run, words: Words, count: int) -> list[Block]:
    """Images with their masks."""
    return gallery.blocks(run, words, count)


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The photo with the true mask and with the network's."""
    return gallery.shown(run, example, words)


def remark(run: Run, words: Words, split: str) -> Text:
    """What becomes of classes that do not occur."""
    scores, name = run.scores[split].per_class, words.say(f"split_{split}")
    rule = words.text("absent_rule")
    if not scores.get("dice") or not scores.get("support"):
        return rule
    known = list(zip(run.classes, scores["dice"], scores["support"], strict=True))
    out = [label for label, dice, _ in known if dice is None]
    invented = [label for label, dice, support in known if dice is not None and not support]
    if not out and not invented:
        return (*rule, *words.text("absent_none", split=name))
    missing = words.text("absent_some", split=name, names=", ".join(out)) if out else ()
    return (*rule, *missing, *(words.text("absent_false", split=name, names=", ".join(invented)) if invented else ()))


def sections(run: Run, words: Words, split: str) -> list[Section]:
    """Scores of each class and of each image, confusion matrix: as far as the run folder holds them."""
    parts = [classes.section(run, words, split)] if run.scores[split].per_class else []
    if np.isfinite(run.per_image.get(split, {}).get("dice", np.zeros(0))).any():
        parts.append(images.section(run, words, split))
    counts = run.totals.get(split, {}).get("confusion", np.zeros((0, 0), dtype=np.int64))
    return [*parts, *([confusion.section(run, words, counts, split=split)] if counts.any() else [])]
