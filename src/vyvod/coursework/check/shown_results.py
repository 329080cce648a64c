"""Findings on training results: loss curve, metric curves, examples, values over all classes and of each class."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vyvod.coursework.check import words
from vyvod.coursework.check.branch_files import class_rows, is_badge, is_total, listed, picture_fault
from vyvod.coursework.check.experiment_parts import experiment_blocks
from vyvod.coursework.check.markdown import Block, beside
from vyvod.coursework.check.requirements import EXAMPLES, METRICS
from vyvod.coursework.check.submission import Submission, plain_name

_DASHES = {"—", "–", "-", "−", "n/a", "nan"}
_TRIED = 10
"""Figures that are opened in search of one that shows something."""
_CLASS_LINES = 2000
_CLASS_LINE = re.compile(r"(?:[-*•] ?)?(?P<label>[^:=|]{1,60}?) ?(?::|=|—|–| - )(?P<rest>.*)")
_COMMON = ("precision", "recall", "f1")
"""Asked for where nobody knows the task."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture and what is said about it."""

    block: Block
    own: str
    """Alternative text, name of the file, caption; of a notebook the code that draws it."""
    heading: str
    """The nearest two headings above it."""


def figures(work: Submission) -> list[Figure]:
    """All pictures of README and of the notebooks."""
    found = []
    for at, block in enumerate(work.blocks):
        if block.kind == "image" and not is_badge(block):
            name = re.sub(r"\.\w+$", "", block.address.rsplit("/", 1)[-1])
            own = f"{block.text} {name} {beside(work.blocks, at)}"
            found.append(Figure(block, own, " / ".join(head.text for head in work.heads[at][:2])))
    return found


def check_curves(work: Submission) -> None:
    """Loss during training, and metrics on the validation set during training."""
    parted = {id(block) for block in experiment_blocks(work.blocks)}
    shown = [one for one in figures(work) if id(one.block) not in parted]
    others = [one for one in figures(work) if id(one.block) in parted]
    for requirement, shows, what in (
        ("loss-curve", _is_loss_curve, "the loss"),
        ("metric-curves", _is_metric_curve, "the metrics on val"),
    ):
        meant = [(one, picture_fault(work, one.block)) for one in list(filter(shows, shown))[:_TRIED]]
        found = next((one for one, fault in meant if fault is None), None)
        elsewhere = next(filter(shows, others), None)
        if found is not None:
            work.note(requirement, "pass", found.block.place, found.block.address[:60])
        elif meant:
            broken, fault = meant[0]
            cure = f"Draw {what} against the epoch again, save it as PNG and commit it."
            work.note(requirement, "fail", broken.block.place, f"{broken.block.address[:60]} {fault}", cure)
        elif elsewhere is not None:
            cure = "See whether it is that of the baseline; else add that one."
            work.note(requirement, "unknown", elsewhere.block.place, f"{what}: only in an experiment", cure)
        else:
            _note_no_figure(work, shown, requirement, what)


def _is_other(figure: Figure) -> bool:
    """Whether its name or text says that it is a confusion matrix, an example or the like."""
    return words.says("no_curve", f"{figure.block.text} {figure.block.address}")


def _is_loss_curve(figure: Figure) -> bool:
    return not _is_other(figure) and (words.says("loss", figure.own) or words.says("loss", figure.heading))


def _is_metric_curve(figure: Figure) -> bool:
    if _is_other(figure):
        return False
    if words.says("metric", figure.own):
        about = f"{figure.own} {figure.heading}"
        return words.says("curve", about) or words.says("validation", about) or not words.says("loss", figure.own)
    return words.says("metric", figure.heading) and not words.says("loss", figure.own)


def _note_no_figure(work: Submission, shown: Sequence[Figure], requirement: str, what: str) -> None:
    cure = f"Add a figure of {what} against the epoch, and say so in its caption or heading."
    tracked = next((block for block in work.blocks if "wandb.ai" in f"{block.address} {block.text}"), None)
    told = ("examples", "loss", "metric")
    loose = [one for one in shown if not _is_other(one) and not any(words.says(each, one.own) for each in told)]
    if loose:
        place = loose[0].block.place
        work.note(requirement, "unknown", place, f"{len(loose)} figures, and no words say that one shows {what}", cure)
    elif tracked:
        work.note(requirement, "unknown", tracked.place, "there is a link to W&B, which is not opened", cure)
    else:
        work.note(requirement, "fail", work.branch, f"no figure shows {what}", cure)


def check_examples(work: Submission) -> None:
    """5 to 10 pictures with the network's output: as files, or as one figure that says how many it holds."""
    (least, most), held = EXAMPLES, _images(work)
    least = min(least, held)
    parted = {id(block) for block in experiment_blocks(work.blocks)}
    about = [one for one in figures(work) if words.says("examples", f"{one.own} {one.heading}")]
    about = [one for one in about if not _curve_by_name(one)]
    about = [one for one in about if id(one.block) not in parted] or about
    cure = f"Show {least} to {most} pictures with the network's output, and write how many in the caption."
    if not about:
        work.note("examples", "fail", work.branch, "no picture is said to show the network's output", cure)
        return
    counts = [words.shown_count(one.own) for one in about]
    said = [count for count in counts if count]
    place = about[0].block.place
    if any(least <= count <= most for count in said):
        count = next(count for count in said if least <= count <= most)
        work.note("examples", "pass", place, f"a figure of {count}{_no_more(count)}")
    elif said and len(about) < least:
        work.note("examples", "fail", place, f"a figure of {max(said)}", cure)
    elif least <= len(about) <= most:
        work.note("examples", "pass", place, f"{len(about)} pictures{_no_more(len(about))}")
    elif len(about) > most:
        work.note("examples", "fail", place, f"{len(about)} pictures", cure)
    else:
        pictures = "1 picture" if len(about) == 1 else f"{len(about)} pictures"
        work.note("examples", "unknown", place, f"{pictures}; nothing says how many examples are in it", cure)


def _images(work: Submission) -> int:
    """Images of the split that examples are taken from, by the runs; as many as are wanted where none tells."""
    known = []
    for run in work.runs.values():
        data = run.get("data")
        splits = data.get("splits") if isinstance(data, dict) else None
        parts = [splits.get(split) for split in ("test", "val")] if isinstance(splits, dict) else []
        counts = [part.get("images") for part in parts if isinstance(part, dict)]
        known += [count for count in counts if type(count) is int and count > 0][:1]
    return max(known, default=EXAMPLES[0])


def _no_more(count: int) -> str:
    return "; there are no more images in the split" if count < EXAMPLES[0] else ""


def _curve_by_name(figure: Figure) -> bool:
    name = f"{figure.block.text} {figure.block.address}" if figure.block.data is None else ""
    return words.says("loss", name) or (words.says("metric", name) and not words.says("examples", name))


@dataclass
class _Values:
    """Which metrics have a value, and where."""

    overall: dict[str, str] = field(default_factory=dict)
    """Metric -> place."""
    classes: dict[str, dict[str, str]] = field(default_factory=dict)
    """Class -> metric -> what stands in the cell."""
    place: str = ""
    """Of the first table of classes."""


def check_values(work: Submission) -> None:
    """The values that the task asks for: over all classes, and of each class."""
    parted = {id(block) for block in experiment_blocks(work.blocks)}
    outside = [at for at, block in enumerate(work.blocks) if id(block) not in parted]
    values = _read(work, outside)
    if not values.overall or not values.classes:
        inside = _read(work, range(len(work.blocks)))
        values.overall = values.overall or inside.overall
        values.classes, values.place = (
            (values.classes, values.place) if values.classes else (inside.classes, inside.place)
        )
    overall, each = METRICS.get(work.task or "", (_COMMON, _COMMON))
    _check_overall(work, values, overall)
    _check_classes(work, values, each)


def _read(work: Submission, positions: Sequence[int]) -> _Values:
    values = _Values()
    for at in positions:
        block = work.blocks[at]
        if block.kind == "table":
            heads = " ".join(head.text for head in work.heads[at][:2]) + " " + beside(work.blocks, at)
            _read_table(work, block, heads, values)
        elif block.kind == "text" and not _in_code(block):
            around = next((head.text for head in work.heads[at][:1] if head.kind == "label"), "")
            for name, rest in words.metrics_in(f"{around} {block.text}").items():
                if words.has_number(rest[:40]):
                    values.overall.setdefault(name, block.place)
    return values


def _in_code(block: Block) -> bool:
    return len(block.text) > 20_000


def _read_table(work: Submission, table: Block, heads: str, values: _Values) -> None:
    if len(table.rows) < 2:
        return
    columns = {at: name for at, cell in enumerate(table.rows[0]) for name in _main_metric(cell, letters=True)}
    first = [name for row in table.rows[1:] if row for name in _main_metric(row[0])]
    if len(first) > len(columns) or (first and not columns):
        _read_rows(work, table, values)
        return
    if not columns:
        return
    of_classes = _is_of_classes(work, table, heads)
    for row in table.rows[1:]:
        cells = {name: row[at].strip() for at, name in columns.items() if at < len(row)}
        label = row[0].strip() if row and 0 not in columns else ""
        if of_classes and not (is_total(label) and not work.is_class(label)):
            values.classes.setdefault(label, {}).update(cells)
            values.place = values.place or table.place
        else:
            for name, cell in cells.items():
                if words.has_number(cell):
                    values.overall.setdefault(name, table.place)


def _read_rows(work: Submission, table: Block, values: _Values) -> None:
    """A table whose rows are metrics; its columns are splits, networks, or classes."""
    names = [cell.strip() for cell in table.rows[0]]
    for row in table.rows[1:]:
        for name in _main_metric(row[0] if row else "", letters=True):
            for label, cell in zip(names[1:], row[1:], strict=False):
                if work.is_class(label):
                    values.classes.setdefault(label, {})[name] = cell.strip()
                    values.place = values.place or table.place
                elif words.has_number(cell):
                    values.overall.setdefault(name, table.place)


def _main_metric(cell: str, *, letters: bool = False) -> list[str]:
    """The metric that a heading of a table names; several names of one, as in ``точность (precision)``, are one.

    Args:
        cell: the heading.
        letters: whether P and R are metrics too; they may be classes.
    """
    if len(cell) >= 80:
        return []
    return (words.metrics_of_column(cell) if letters else list(words.metrics_in(cell)))[:1]


def _is_of_classes(work: Submission, table: Block, heads: str) -> bool:
    labels = [row[0] for row in table.rows[1:] if row]
    if any(work.is_class(label) for label in labels):
        return True
    if work.classes is None and (class_rows(table) or words.says("each_class", heads)):
        return any(not is_total(label) for label in labels)
    return False


def _check_overall(work: Submission, values: _Values, required: Sequence[str]) -> None:
    have = set(values.overall) | ({"map"} if "map_any" in values.overall and "map50" in values.overall else set())
    missing = [name for name in required if name not in have]
    place = next(iter(values.overall.values()), work.branch)
    task = work.task or "any task"
    if not missing:
        work.note("metrics-overall", "pass", place, ", ".join(title(name) for name in required))
    elif missing == ["map"] and "map_any" in have:
        cure = "Name it mAP@0.5:0.95, if it is that."
        work.note("metrics-overall", "unknown", place, "there is an mAP, and nothing says at which IoU", cure)
    else:
        names = ", ".join(title(name) for name in missing)
        cure = f"Add {names} over all classes: {task} needs {', '.join(title(name) for name in required)}."
        work.note("metrics-overall", "fail", place, f"no value of {names}", cure)


def _check_classes(work: Submission, values: _Values, required: Sequence[str]) -> None:
    names = ", ".join(title(name) for name in required)
    cure = f"Add a table with a row for each class and the columns {names}."
    if not values.classes:
        printed = _printed_classes(work)
        if printed:
            found = f"no table of the classes, but lines with values of {listed(list(printed))}"
            work.note("metrics-per-class", "unknown", next(iter(printed.values())), found, cure)
        else:
            work.note("metrics-per-class", "fail", work.branch, "there is no table of the classes", cure)
        return
    expected = work.classes or []
    labels = set(map(plain_name, values.classes))
    absent = [name for name in expected if plain_name(name) not in labels]
    if absent:
        work.note("metrics-per-class", "fail", values.place, f"no row for {listed(absent)}", cure)
        return
    rows = {label: cells for label, cells in values.classes.items() if not expected or work.is_class(label)}
    columns = [name for name in required if not any(name in cells for cells in rows.values())]
    if columns:
        work.note(
            "metrics-per-class", "fail", values.place, f"no column {', '.join(title(name) for name in columns)}", cure
        )
        return
    empty = [
        label for label, cells in rows.items() if any(not _is_value(work, cells.get(name, "")) for name in required)
    ]
    if empty:
        work.note(
            "metrics-per-class", "fail", values.place, f"no number for {listed(empty)}", "Write the missing numbers in."
        )
        return
    _check_class_total(work, values.place, len(rows), cure)


def _printed_classes(work: Submission) -> dict[str, str]:
    """Label of a line with values of several metrics -> its place; empty where fewer than two lines are so."""
    found: dict[str, str] = {}
    told = [(at, block) for at, block in enumerate(work.blocks) if block.kind == "text" and not _in_code(block)]
    read = 0
    for at, block in told:
        head = next((one.text for one in work.heads[at][:1] if one.kind == "label" and one.line == block.line), "")
        for line in block.text.splitlines():
            read += 1
            plain = " ".join(line[:1000].split())  # between many spaces the pattern would look for very long
            match = _CLASS_LINE.match(f"{head}: {plain}" if head else plain)
            if read > _CLASS_LINES or match is None or is_total(match["label"]):
                continue
            metrics = words.metrics_in(match["rest"])
            if sum(words.has_number(rest[:40]) for rest in metrics.values()) > 1:
                found.setdefault(match["label"], block.place)
    return found if len(found) > 1 else {}


def _is_value(work: Submission, cell: str) -> bool:
    """A number; a dash where the results are there to say that the value is undefined."""
    return words.has_number(cell) or (bool(work.runs) and cell.strip().casefold() in _DASHES)


def _check_class_total(work: Submission, place: str, rows: int, cure: str) -> None:
    said = words.class_counts(
        "\n".join(block.text for block in work.page if block.kind in ("text", "heading", "label"))
    )
    if work.classes or rows in said:
        work.note("metrics-per-class", "pass", place, f"{rows} classes")
    elif not said:
        work.note(
            "metrics-per-class", "unknown", place, f"{rows} rows; README does not say how many classes there are", cure
        )
    elif rows < said[0]:
        work.note("metrics-per-class", "fail", place, f"{rows} rows for {said[0]} classes", cure)
    else:
        work.note(
            "metrics-per-class",
            "unknown",
            place,
            f"{rows} rows, and README says {said[0]} classes",
            "Say which rows are classes.",
        )


def title(metric: str) -> str:
    """The usual name of a metric."""
    return {"f1": "F1", "dice": "Dice", "map50": "mAP@0.5", "map": "mAP@0.5:0.95"}.get(metric, metric)
