"""What only the report of an object detection has: boxes, average precision, curves over the confidence."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vyvod.errors import RunError
from vyvod.report.contract import Shown
from vyvod.report.detection import balance as objects
from vyvod.report.detection import classes, confidence, confusion, curves, errors, gallery, images, suspects
from vyvod.report.detection.boxes import BoxRecord
from vyvod.report.document import Block, Section, Strong, Text
from vyvod.report.headline import two_metrics
from vyvod.report.records import Arrays, ExampleRecord, Run, SplitRecord
from vyvod.report.stored import expect_names, expect_shape
from vyvod.report.text import Words

EXAMPLE: type[ExampleRecord] = BoxRecord
CURVES: Sequence[str] = ("map", "map50", "precision", "recall", "f1")
SENTENCES: Mapping[str, str] = {
    "origin_carved": "segmentation_origin_carved",
    "overfit": "detection_overfit",
    "cap_loss": "detection_cap_loss",
    "cap_metrics": "detection_cap_metrics",
}
TILES: Sequence[str] = ("map50", "f1")
LOWER_IS_BETTER: Sequence[str] = ("loss",)
_OWN = ("precision", "recall", "f1", "loss")
_DEFINED = (
    "map", "map50", "map75", "map_small", "map_medium", "map_large", "ar1", "ar10", "ar100", "precision_at_best_f1",
    "recall_at_best_f1", "f1_at_best_f1", "best_f1_confidence", "mask_map", "mask_map50", "mask_map75",
)  # fmt: skip
DEFINITIONS: Mapping[str, str] = {
    **{name: f"define_{name}" for name in _DEFINED},
    **{name: f"detection_define_{name}" for name in _OWN},
}

_LISTED = 20
"""Up to that many classes are named in the brief."""
_COUNTS = ("true_positives", "false_positives", "false_negatives")


def check_rows(path: Path, rows: Arrays, classes: int) -> None:
    """Raise `RunError` for rows that no detection of this run wrote."""
    expect_names(path, rows, ("id", "f1"))
    for name in _COUNTS:
        expect_shape(path, rows, name, (len(rows["id"]), classes))
    for kind in ("found", "truth"):
        _check_boxes(path, rows, classes, kind=kind)


def _check_boxes(path: Path, rows: Arrays, classes: int, *, kind: str) -> None:
    """The boxes of all images, one below the other."""
    if f"{kind}_image" not in rows:
        return
    count = len(rows[f"{kind}_image"])
    for name in ("label", "score", "area", "crowd"):
        expect_shape(path, rows, f"{kind}_{name}", (count,))
    expect_shape(path, rows, f"{kind}_box", (count, 4))
    for name, limit in ((f"{kind}_image", len(rows["id"])), (f"{kind}_label", classes)):
        values = rows.get(name, np.zeros(0))
        if values.size and not (values.min() >= 0 and values.max() < limit):
            raise RunError(
                f"{path} holds a number outside of 0..{limit - 1} under '{name}'; it belongs to another run. "
                "`vyvod evaluate RUN` writes it again."
            )


def check_totals(path: Path, totals: Arrays, classes: int) -> None:
    """Raise `RunError` for sums that no detection of this run wrote."""
    expect_shape(path, totals, "confusion", (classes + 1, classes + 1))
    expect_shape(path, totals, "tide", (len(errors.KINDS),))
    for name in ("precision_curve", *(f"{metric}_by_confidence" for metric in ("precision", "recall", "f1"))):
        expect_shape(path, totals, name, (classes, 101))


def brief(run: Run, words: Words) -> list[Text]:
    """The task in a sentence, the way of images into the network, and how its output is judged."""
    crowds = any(record.objects and record.objects.crowd for record in run.record.data.splits.values())
    judged = words.text("detection_judged")
    return [_task(run, words), _input(run, words), (*judged, *(words.text("detection_crowds") if crowds else ()))]


def _task(run: Run, words: Words) -> Text:
    names, count = run.classes, words.count(len(run.classes), "class_of")
    masks = any("mask_map" in scores.overall for scores in run.scores.values())
    if len(names) > _LISTED:
        task = words.text("task_detection_many", classes=count, names=", ".join(names[:3]), last=names[-1])
    elif len(names) == 1:
        task = words.text("task_detection_one", classes=words.count(1, "class"), names=Strong(names[0]))
    else:
        task = words.text("task_detection", classes=count, names=", ".join(names))
    return (*task, *(words.text("task_detection_masks") if masks else ()))


def _input(run: Run, words: Words) -> Text:
    seen, native = run.record.input, run.record.data.native_size
    if seen is None:
        return ()
    known = seen.resize if seen.resize in ("letterbox", "stretch", "none") else "unknown"
    size = {} if known == "none" else {"size": words.say("native_fixed", height=seen.height, width=seen.width)}
    return words.text(
        f"resize_{known}",
        native=words.say("native_fixed", height=native[0], width=native[1]) if native else words.say("native_various"),
        channels=words.say("grey" if seen.channels == 1 else "colour"),
        **size,
    )


def facts(run: Run, words: Words) -> dict[str, str]:
    """The confidences at which precision, recall and F1 are taken."""
    known = confidence.confidences_of(run, words)
    return {"confidence": known.fixed, "best": known.best}


def headline(run: Run, words: Words, split: str) -> Text:
    """The headline metric and mAP@0.5 (mAP@0.5:0.95 where that is the headline), precision and recall."""
    overall, metric = run.scores[split].overall, run.record.headline
    other = "map" if metric == "map50" else "map50"
    sentence = two_metrics(run, words, split, key="detection_headline", metrics=(metric, other))
    precision, recall = overall.get("precision"), overall.get("recall")
    if precision is None or recall is None:
        return (*sentence, *words.text("headline_end"))
    numbers = {"precision": Strong(words.number(precision, 3)), "recall": Strong(words.number(recall, 3))}
    return (*sentence, *words.text("detection_headline_fixed", confidence=facts(run, words)["confidence"], **numbers))


def split_sizes(record: SplitRecord, words: Words) -> dict[str, str]:
    """Images and objects of the split."""
    counted = record.objects
    return {
        words.say("col_images"): words.integer(record.images),
        words.say("col_objects"): words.integer(sum(counted.counts) if counted else None),
        words.say("col_empty"): words.integer(counted.empty if counted else None),
        words.say("col_crowd"): words.integer(counted.crowd if counted else None),
    }


def balance(run: Run, words: Words) -> list[Block]:
    """Objects of each class, and their sizes."""
    return objects.blocks(run, words)


def examples(run: Run, words: Words, count: int) -> list[Block]:
    """Images with their boxes."""
    return gallery.blocks(run, words, count, confidence=facts(run, words)["confidence"])


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The photo with the true boxes and with the network's."""
    return gallery.shown(run, example, words)


def remark(run: Run, words: Words, split: str) -> Text:
    """At which confidences detections are counted, and what becomes of classes without objects."""
    rule = (*words.text("detection_rule"), *words.text("detection_thresholds", **facts(run, words)))
    support = run.scores[split].per_class.get("support", ())
    absent = [name for name, count in zip(run.classes, support, strict=False) if not count]
    if not absent:
        return rule
    return (*rule, *words.text("detection_absent", split=words.say(f"split_{split}"), names=", ".join(absent)))


def sections(run: Run, words: Words, split: str) -> list[Section]:
    """Scores of classes, curves, scores of images, confusion, costs, suspects: as far as the run folder holds them."""
    known, totals, rows = confidence.confidences_of(run, words), run.totals.get(split, {}), run.per_image.get(split, {})
    parts: list[Section | None] = []
    if run.scores[split].per_class:
        parts.append(classes.section(run, words, split, confidences=known))
    parts.append(curves.section(run, words, totals, split=split))
    if np.isfinite(rows.get("f1", np.zeros(0))).any():
        parts.append(images.section(run, words, split))
    counts = totals.get("confusion", np.zeros((0, 0), dtype=np.int64))
    if counts.any():
        parts.append(confusion.section(run, words, counts, split=split, confidence=known.fixed))
    costs = totals.get("tide", np.zeros(0))
    if np.isfinite(costs).any():
        parts.append(errors.section(words, costs, split=split))
    parts.append(suspects.section(run, words, rows, split=split))
    return [part for part in parts if part is not None]
