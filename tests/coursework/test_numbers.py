"""The numbers of a README against the files of the run: hand-worked, real, edited, damaged and hostile."""

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vyvod.coursework.numbers.columns import LARGEST, ColumnsError, read_columns
from vyvod.coursework.numbers.comparing import compare
from vyvod.coursework.numbers.finding import NumberFinding
from vyvod.coursework.numbers.marks import marks, number
from vyvod.coursework.numbers.recomputing import BACKGROUND, MissingError, RecomputingError, recompute
from vyvod.coursework.numbers.written import compare_written
from vyvod.coursework.records import readme_hash
from vyvod.report.experiment.own import END, START

CLASSES = ("cat", "dog", "owl|eagle")
LABEL = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 0])
# Rows are the truth: [[3, 1, 0], [0, 2, 1], [1, 0, 2]].
# cat: P 3/4, R 3/4, F1 3/4; dog: P 2/3, R 2/3, F1 2/3; owl: P 2/3, R 2/3, F1 2/3.
MACRO = (0.75 + 2 / 3 + 2 / 3) / 3  # 0.694444...
OVERALL = "<!-- vyvod: values run=pets kind=overall columns=test rows=f1,accuracy -->"
PER_CLASS = "<!-- vyvod: values run=pets kind=per_class split=test columns=precision,recall,f1,support -->"
Files = dict[str, bytes]


def npz(**columns: np.ndarray) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, **columns)
    return file.getvalue()


def stored(value: float = MACRO, **overall: float) -> bytes:
    two_thirds = [0.75, 2 / 3, 2 / 3]
    per_class = {"precision": two_thirds, "recall": two_thirds, "f1": two_thirds, "support": [4, 3, 3]}
    values = {"f1": value, "accuracy": 0.7, "precision": MACRO, "recall": MACRO, **overall}
    return json.dumps({"test": {"overall": values, "per_class": per_class}}).encode()


def run_json(task: str, classes: Any, **more: Any) -> bytes:
    return json.dumps({"format": 1, "task": task, "data": {"classes": list(classes)}, **more}).encode()


@pytest.fixture
def pets() -> Files:
    """A branch with a classifier's run over ten images."""
    return {
        "results/pets/run.json": run_json("classification", CLASSES),
        "results/pets/scores.json": stored(),
        "results/pets/per_image/test.npz": npz(label=LABEL, predicted=PREDICTED),
    }


def table(*rows: str, mark: str = OVERALL, head: str = "| metric | test |") -> str:
    rule = "|" + " --- |" * (head.count("|") - 1)
    return "\n".join(["# Homework", "", mark, "", "*A caption.*", "", head, rule, *rows, "", "Text."])


def overall(f1: str, accuracy: str = "0.7000") -> str:
    return table(f"| **macro F1** | {f1} |", f"| accuracy | {accuracy} |")


def per_class(*changed: tuple[int, str]) -> str:
    rows = ["| cat | 0.7500 | 0.75 | **0.7500** | 4 |", "| `dog` | 0.6667 | 0.667 | 0.6667 | 3 |",
            r"| owl&#124;eagle | 0,6667 | 66.7 % | 0,667 | 3 |"]  # fmt: skip
    for place, row in changed:
        rows[place] = row
    head = "| class | precision | recall | F1 | support |"
    return table(*[row for row in rows if row], mark=PER_CLASS, head=head)


def bad(findings: list[NumberFinding]) -> list[NumberFinding]:
    return [finding for finding in findings if finding.ok is not True]


def only(findings: list[NumberFinding]) -> NumberFinding:
    """The one finding that is not in order."""
    (finding,) = bad(findings)
    return finding


def test_hand_worked_values(pets: Files) -> None:
    values = recompute(pets.get, "results/pets", "test")

    assert values.overall["f1"] == pytest.approx(MACRO, abs=1e-12)
    assert values.overall["accuracy"] == 0.7
    assert values.per_class["precision"] == pytest.approx([0.75, 2 / 3, 2 / 3])
    assert values.per_class["support"] == [4, 3, 3]
    assert values.classes == CLASSES


def test_right_numbers_are_told_together(pets: Files) -> None:
    findings = compare(overall("0.6944") + "\n" + per_class(), pets.get)

    assert [finding.ok for finding in findings] == [True, True]
    assert [finding.claimed for finding in findings] == ["2 numbers", "12 numbers"]
    assert all("computed again from its per-image files" in finding.text for finding in findings)


@pytest.mark.parametrize(
    "shown", ["0,6944", "0.69444444", "69.4 %", "69,44\u00a0%", "**0.694** ± 0.01", "0,6944 (0,5–0,8)", "`0.69`", "0,7"]
)
def test_ways_of_writing_the_same_number(pets: Files, shown: str) -> None:
    assert not bad(compare(overall(shown), pets.get))


@pytest.mark.parametrize("shown", ["0.6945", "0.6943", "1", "0.9944", "69.5 %", "6.944", "-0.6944", "\u22120,6944"])
def test_an_edited_digit_is_found(pets: Files, shown: str) -> None:
    finding = only(compare(overall(shown), pets.get))

    assert finding.ok is False
    assert finding.place.startswith("line 9, values of pets")
    assert "the run has" in finding.text
    assert "vyvod coursework homework" in finding.text
    assert finding.true.startswith("69.44" if "%" in shown else "0.6944")


def test_an_edited_number_of_a_class_is_found(pets: Files) -> None:
    finding = only(compare(per_class((1, "| dog | 0.6667 | 0.667 | 0.7667 | 3 |")), pets.get))

    assert (finding.claimed, finding.true, finding.ok) == ("0.7667", "0.6667", False)
    assert "f1 of dog on test" in finding.text


def test_half_of_the_last_place_is_right_either_way() -> None:
    value = json.dumps({"test": {"overall": {"f1": 0.5125, "accuracy": None}, "per_class": {}}}).encode()
    files = {"results/pets/run.json": run_json("classification", CLASSES), "results/pets/scores.json": value}

    assert not bad(compare(overall("0.512", "—"), files.get))
    assert not bad(compare(overall("0.513", "—"), files.get))
    assert only(compare(overall("0.514", "—"), files.get)).ok is False
    assert only(compare(overall("0.513", "0.5"), files.get)).true == "no value (a dash)"
    assert only(compare(overall("—", "—"), files.get)).claimed == "—"


@pytest.mark.parametrize(
    ("cell", "reading"),
    [
        ("1,234", 1234.0), ("1,234", 1.234), ("1\u00a0234", 1234.0), ("1\u202f234,5", 1234.5), ("1\u2009234\u2009567", 1234567.0),
        ("1,234,567", 1234567.0), ("1,234.5", 1234.5), ("1.234,5", 1234.5), ("1'234", 1234.0), ("\u22120,5", -0.5),
        ("–0.5", -0.5), ("+0.012", 0.012), ("31,4 дБ", 31.4), ("1e-3", 0.001), ("—", None), ("**—**", None), (".5", 0.5),
    ],
)  # fmt: skip
def test_numbers_in_cells(cell: str, reading: float | None) -> None:
    found = number(cell)

    assert found is not None
    assert any(one is reading is None or one == pytest.approx(reading) for one in found.readings)


@pytest.mark.parametrize("cell", ["", "good", "0.91 0.99", "1.2.3", "0,,5", "9" * 400, "1e999", "0.9→0.8", "٣٫٤x1"])
def test_what_is_no_number(cell: str) -> None:
    assert number(cell) is None


def test_an_edited_scores_file_is_found(pets: Files) -> None:
    pets["results/pets/scores.json"] = stored(0.95, accuracy=0.96)
    finding = only(compare(overall("0.6944"), pets.get))

    assert finding.ok is False
    assert finding.place == "results/pets/scores.json"
    assert "was changed" in finding.text
    assert "1 more" in finding.text
    assert (finding.claimed, finding.true[:6]) == ("0.95", "0.6944")
    # README that follows the changed file is wrong all the same.
    assert {one.place[:7] for one in bad(compare(overall("0.95", "0.96"), pets.get))} == {
        "line 9,",
        "line 10",
        "results",
    }


def test_without_columns_only_scores_are_compared(pets: Files) -> None:
    del pets["results/pets/per_image/test.npz"]
    (finding,) = compare(overall("0.6944"), pets.get)

    assert finding.ok is True
    assert "not computed again" in finding.text
    assert "results/pets/per_image/test.npz is not in the branch" in finding.text
    assert only(compare(overall("0.7944"), pets.get)).ok is False


def test_without_both_it_cannot_be_told(pets: Files) -> None:
    files = {"results/pets/run.json": pets["results/pets/run.json"]}

    assert [finding.ok for finding in compare(overall("0.6944"), files.get)] == [None, None]
    finding = only(compare(overall("0.6944"), {}.get))
    assert finding.ok is None
    assert "results/pets is not in the branch" in finding.text


def test_without_scores_the_columns_are_enough(pets: Files) -> None:
    del pets["results/pets/scores.json"]

    assert not bad(compare(overall("0.6944"), pets.get))


def test_missing_rows_columns_and_tables(pets: Files) -> None:
    assert "no row of accuracy" in only(compare(table("| macro F1 | 0.6944 |"), pets.get)).text
    assert "no cell for accuracy" in only(compare(table("| macro F1 | 0.6944 |", "| accuracy |"), pets.get)).text
    assert "no row of the class dog" in only(compare(per_class((1, "")), pets.get)).text
    twice = compare(per_class((1, "| cat | 1 | 1 | 1 | 1 |\n| dog | 0.6667 | 0.667 | 0.6667 | 3 |")), pets.get)
    assert "one row too many" in only(twice).text
    assert "which is no number" in only(compare(overall(""), pets.get)).text
    for text in (OVERALL, f"{OVERALL}\n\n## Next\n\n| a | b |\n|---|---|\n| f1 | 0.6944 |\n"):
        finding = only(compare(text, pets.get))
        assert (finding.ok, finding.claimed) == (False, "no table")


def test_rows_are_found_by_name_and_else_by_place(pets: Files) -> None:
    swapped = table("| доля верных ответов | 0.7 |", "| macro F1 | 0.6944 |")
    own_words = table("| my F1 | 0.6944 |", "| share of right answers | 0.7 |")
    lied = table("| macro F1 | 0.6944 |", "| macro F1 | 0.9 |", "| accuracy | 0.7 |")

    assert not bad(compare(swapped.replace("доля верных ответов", "accuracy"), pets.get))
    assert not bad(compare(own_words, pets.get))
    assert only(compare(lied, pets.get)).claimed == "0.9"
    assert len(bad(compare(table("| x | 0.7 |"), pets.get))) == 2


@pytest.mark.parametrize("mark", [
    "<!-- vyvod: values run=pets -->", "<!-- vyvod: values kind=overall columns=test rows=f1 -->",
    "<!-- vyvod: values run=../pets kind=overall columns=test rows=f1 -->",
    "<!-- vyvod: values run=pets kind=odd columns=test rows=f1 -->",
    "<!-- vyvod: values run=pets kind=overall columns= rows=f1 -->",
])  # fmt: skip
def test_marks_that_say_too_little(pets: Files, mark: str) -> None:
    finding = only(compare(table("| f1 | 0.7 |", mark=mark), pets.get))

    assert finding.ok is None
    assert "does not say" in finding.text


def test_names_that_nobody_knows(pets: Files) -> None:
    odd = table("| dice | 0.7 |", mark="<!-- vyvod: values run=pets kind=overall columns=test,../val rows=dice -->")

    assert [finding.ok for finding in bad(compare(odd, pets.get))][:1] == [None]


def test_marks_in_code_are_no_marks_and_numbers_without_marks_are_told(pets: Files) -> None:
    shown = f"```\n{OVERALL}\n| a | b |\n|---|---|\n| f1 | 0.15 |\n```\n"

    assert not list(marks(shown))
    finding = only(compare(shown, pets.get))
    assert finding.ok is None
    assert "no marks" in finding.text
    assert compare("# Homework\n\nPython 3.11, homework 2.\n", pets.get) == []


def test_names_with_spaces(pets: Files) -> None:
    files = {path.replace("pets", "my pets"): content for path, content in pets.items()}

    assert not bad(compare(overall("0.6944").replace("run=pets", "run=my pets"), files.get))


def _truncated() -> bytes:
    return npz(label=LABEL, predicted=PREDICTED)[:-200]


def _flipped() -> bytes:
    content = bytearray(npz(label=LABEL, predicted=PREDICTED))
    content[60] ^= 255
    return bytes(content)


def _pickled() -> bytes:
    return npz(label=LABEL, predicted=np.array([print, *[None] * 9], dtype=object))


def _bomb() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("label.npy", "w") as member:
            np.lib.format.write_array_header_1_0(
                member, {"descr": "<i8", "fortran_order": False, "shape": (30_000_000,)}
            )
            for _ in range(240):
                member.write(bytes(1_000_000))
        archive.writestr("predicted.npy", b"")
    return file.getvalue()


def _declared(shape: tuple[int, ...], kind: str = "<i8", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file, header = BytesIO(), BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("label.npy", header.getvalue())
        archive.writestr("predicted.npy", header.getvalue())
    return file.getvalue()


DAMAGED: dict[str, Callable[[], bytes]] = {
    "truncated": _truncated,
    "flipped": _flipped,
    "pickled": _pickled,
    "bomb": _bomb,
    "declares more than there is": lambda: _declared((10**15,)),
    "items without a size": lambda: _declared((10**15,), "<U0"),
    "other packing": lambda: _declared((0,), method=zipfile.ZIP_LZMA),
    "empty": lambda: b"",
    "text": lambda: b"version https://git-lfs.github.com/spec/v1\n",
    "other columns": lambda: npz(other=LABEL),
    "label that is no class": lambda: npz(label=LABEL, predicted=PREDICTED + 5),
    "negative label": lambda: npz(label=LABEL - 1, predicted=PREDICTED),
    "lengths differ": lambda: npz(label=LABEL, predicted=PREDICTED[:5]),
    "letters": lambda: npz(label=LABEL.astype(np.str_), predicted=PREDICTED),
    "no axis": lambda: npz(label=np.array(1), predicted=np.array(1)),
    "fractions": lambda: npz(label=LABEL / 1, predicted=PREDICTED),
    "confidence": lambda: npz(label=LABEL, predicted=PREDICTED, confidence=np.full(10, np.nan)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_and_hostile_columns(pets: Files, kind: str) -> None:
    pets["results/pets/per_image/test.npz"] = DAMAGED[kind]()
    findings = compare(overall("0.6944"), pets.get)

    finding = only(findings)
    assert finding.ok is None
    assert "results/pets/per_image/test.npz" in finding.text
    # The number itself is still compared with what was stored.
    assert any(one.ok is True and "not computed again" in one.text for one in findings)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(ColumnsError, match=f"more than the {LARGEST // 2**20} MiB"):
        read_columns(_bomb(), ("label",))
    with pytest.raises(ColumnsError, match="never loaded"):
        read_columns(_pickled(), ("predicted",))


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"test": 5}',
                                     b'{"test": {"overall": {"f1": "a"}}}',
                                     b'{"test": {"overall": [], "per_class": {}}}', b'{"x": ' + b"9" * 10**6 + b"}"])  # fmt: skip
def test_damaged_records(pets: Files, content: bytes) -> None:
    for name in ("scores.json", "run.json"):
        files = pets | {f"results/pets/{name}": content}
        assert all(finding.ok in (True, None) for finding in compare(overall("0.6944") + per_class(), files.get))
        del files["results/pets/per_image/test.npz"]
        assert all(finding.ok in (True, None) for finding in compare(overall("0.6944") + per_class(), files.get))


def test_strange_records() -> None:
    def error(record: bytes) -> str:
        with pytest.raises(RecomputingError) as raised:
            recompute({"results/x/run.json": record}.get, "results/x", "test")
        return str(raised.value)

    assert "unknown" in error(run_json("poetry", CLASSES))
    assert "no list of classes" in error(run_json("classification", [1, 2]))
    assert "9999 classes" in error(run_json("classification", map(str, range(9999))))
    assert "0 classes" in error(run_json("segmentation", []))
    with pytest.raises(MissingError):
        recompute({}.get, "results/x", "test")


def in_branch(folder: Path, run: str = "run") -> Files:
    """The files of a run folder as a homework has them."""
    kept = [*folder.glob("*.json"), *folder.glob("per_image/*.npz"), *folder.glob("totals/*.npz")]
    return {f"results/{run}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in kept}


def assert_same_as_stored(files: Files, split: str, *, except_for: tuple[str, ...] = ()) -> None:
    values = recompute(files.get, "results/run", split)
    scores = json.loads(files["results/run/scores.json"])[split]
    assert values.overall == pytest.approx(
        {name: value for name, value in scores["overall"].items() if name not in except_for}, abs=1e-9
    )
    assert values.per_class.keys() == scores["per_class"].keys() - set(except_for)
    for name, column in values.per_class.items():
        assert column == pytest.approx(scores["per_class"][name], abs=1e-9), name


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_real_classifier(finished_run: Path, split: str) -> None:
    assert_same_as_stored(in_branch(finished_run), split)


def test_a_real_readme(finished_run: Path) -> None:
    from vyvod.report.text import Words

    files = in_branch(finished_run)
    scores, classes = (json.loads(files[f"results/run/{name}.json"]) for name in ("scores", "run"))
    for language in ("ru", "en"):
        words = Words(language)
        names = list(scores["test"]["overall"])
        rows = [
            " | ".join(
                [f"| {words.metric(name)}", *(words.number(both["overall"][name]) for both in scores.values()), ""]
            )
            for name in names
        ]
        mark = f"<!-- vyvod: values run=run kind=overall columns=val,test rows={','.join(names)} -->"
        readme = table(*rows, mark=mark, head="| metric | val | test |")
        assert [finding.claimed for finding in compare(readme, files.get)] == [f"{2 * len(names)} numbers"]
        per = scores["test"]["per_class"]
        lines = [
            f"| {name} | {words.number(per['f1'][place])} | {words.integer(per['support'][place])} |"
            for place, name in enumerate(classes["data"]["classes"])
        ]
        readme = table(*lines, mark="<!-- vyvod: values run=run kind=per_class split=test columns=f1,support -->",
                       head="| class | F1 | support |")  # fmt: skip
        assert [finding.ok for finding in compare(readme, files.get)] == [True]


def homework(folder: Path, language: str) -> str:
    """The training results as a homework has them."""
    from vyvod.coursework.training_results import blocks, sections_of
    from vyvod.report.document import Document, Section
    from vyvod.report.reading import read_run
    from vyvod.report.readme import render
    from vyvod.report.text import Words

    words, run = Words(language), read_run(folder)
    parts = list(blocks(run, "run", sections_of(run, words), words))
    return render(Document(language, "Homework", "by", [], [Section("results", "Results", parts)], "end"), words)


def assert_all_right(folder: Path) -> None:
    files = in_branch(folder)
    for language in ("ru", "en"):
        readme = homework(folder, language)
        findings = compare(readme, files.get)
        assert [finding.text for finding in findings if finding.ok is not True] == []
        assert len(findings) >= 2
        # Each number that is changed is found.
        lines = readme.splitlines()
        found = [mark for mark in marks(readme) if mark.word == "values"]
        assert len(found) == 2
        for row in [row for mark in found for row in mark.rows or ()][::7]:
            if (cell := row.cells[1]) not in ("—", "**—**"):
                edited = [*lines]
                edited[row.line - 1] = lines[row.line - 1].replace(f" {cell} ", f" 9{cell.strip('*')} ", 1)
                assert only(compare("\n".join(edited), files.get)).place.startswith(f"line {row.line},")


def test_homework_of_a_real_run(finished_run: Path) -> None:
    assert_all_right(finished_run)


@pytest.mark.parametrize("kind", ["hundred", "masked", "boxed"])
def test_homework_with_awkward_names(tmp_path: Path, kind: str) -> None:
    """A hundred classes in a folded table, of which many have letters that Markdown uses; classes that never occur."""
    from tests.report import detections, masks
    from tests.report.conftest import hundred_names, make_run

    if kind == "hundred":
        folder = make_run(tmp_path / "run", names=hundred_names(), skill=3.6)
    elif kind == "masked":
        names = ("background", "cell", "wall", "never", "nowhere")
        folder = masks.make_segmentation_run(tmp_path / "run", masks.patchwork(5, 5, 32), names, palette=None, epochs=3)
    else:
        folder = detections.make_detection_run(tmp_path / "run", detections.squares(5, 4), BOXES, epochs=3)
    if kind != "hundred":
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        for split in scores.values():
            split["overall"]["loss"] = 0.45  # in place of one that was made up
        (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    assert_all_right(folder)


def written(folder: Path, task: str, classes: tuple[str, ...], scores: Any, **more: Any) -> Files:
    from vyvod.experiment.results import write_scores

    write_scores(folder, scores)
    (folder / "run.json").write_bytes(run_json(task, classes, **more))
    return in_branch(folder)


@pytest.mark.parametrize("outlines", [False, True])
def test_segmentation(tmp_path: Path, *, outlines: bool) -> None:
    from tests.report.masks import patchwork, spoilt

    from vyvod.metrics.segmentation import boundary_counts
    from vyvod.tasks.segmentation import from_rows

    classes, random = ("background", "cell", "wall", "never", "nowhere"), np.random.default_rng(1)
    pictures = [mask for _, mask in patchwork(5, 6, 32)]
    answers = [spoilt(mask, 5, random, skill=0.6) for mask in pictures]
    counts = [_counts(mask, answer, 5) for mask, answer in zip(pictures, answers, strict=True)]
    rows = {
        "id": np.array([str(place) for place in range(6)]), "loss": np.array([0.1, 0.7, np.nan, 0.2, 0.3, 0.4], dtype=np.float32),
        "true_positives": np.stack([part[0] for part in counts]), "support": np.stack([part[1] for part in counts]),
        "predicted": np.stack([part[2] for part in counts]),
    }  # fmt: skip
    if outlines:
        rows["boundary"] = np.stack(
            [boundary_counts(mask, answer, 5) for mask, answer in zip(pictures, answers, strict=True)]
        )
    files = written(tmp_path, "segmentation", classes, {"test": from_rows(rows, classes)})

    assert_same_as_stored(files, "test")
    assert "dice_foreground" in recompute(files.get, "results/run", "test").overall
    impossible = rows | {"true_positives": rows["support"] + 1}
    with pytest.raises(RecomputingError, match="more right pixels"):
        recompute((files | {"results/run/per_image/test.npz": npz(**impossible)}).get, "results/run", "test")


def _counts(truth: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from tests.report.masks import count

    confusion = count(truth, predicted, classes)
    return confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)


BOXES = ("cell", "wall", "door", "never")


def boxes(seed: int) -> dict[str, np.ndarray]:
    from tests.report.detections import invented, rows_of, squares

    random, pictures = np.random.default_rng(seed), squares(12, 4)
    return rows_of(pictures, [invented(picture, 4, random, skill=0.7) for picture in pictures], 4)


@pytest.fixture
def detector(tmp_path: Path) -> Files:
    from vyvod.tasks.detection import from_rows

    val = from_rows(boxes(1), BOXES, confidence=0.3)
    test = from_rows(boxes(2), BOXES, confidence=0.3, best_confidence=val.overall["best_f1_confidence"])
    return written(tmp_path, "detection", BOXES, {"val": val, "test": test}, input={"confidence": 0.3})


@pytest.mark.parametrize("split", ["val", "test"])
def test_detection(detector: Files, split: str) -> None:
    assert_same_as_stored(detector, split)


def test_detection_with_less(detector: Files) -> None:
    at_best = tuple(f"{name}_at_best_f1" for name in ("precision", "recall", "f1"))
    without_val = {path: content for path, content in detector.items() if not path.endswith("per_image/val.npz")}
    assert_same_as_stored(without_val, "test", except_for=(*at_best, "best_f1_confidence"))
    # The fixed confidence is in totals/ too.
    assert_same_as_stored(detector | {"results/run/run.json": run_json("detection", BOXES)}, "test")
    scores = json.loads(detector["results/run/scores.json"])
    scores["test"]["overall"]["mask_map"] = 0.5
    files = without_val | {"results/run/scores.json": json.dumps(scores).encode()}
    mark = "<!-- vyvod: values run=run kind=overall columns=test rows=map,mask_map -->"
    readme = table(f"| map | {scores['test']['overall']['map']:.4f} |", "| mask_map | 0.5 |", mark=mark)
    told = compare(readme, files.get)
    assert [finding.ok for finding in told] == [True, True]
    assert "(mask_map): as in its scores.json, but not computed again" in told[1].text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("found_label", 9, "found_label from 0 to 9"),
        ("found_image", -1, "found_image from -1"),
        ("found_box", np.inf, "found_box from"),
        ("truth_area", np.nan, "truth_area from nan"),
        ("found_score", np.nan, "found_score from nan"),
        ("truth_crowd", np.array([2]), "truth_crowd of shape"),
        ("truth_box", np.zeros((3, 3), dtype=np.float32), "truth_box of shape"),
        ("id", np.array("x"), "0 images|image from|id of shape"),
        ("id", np.zeros(10**7, dtype="<U1"), "too many to be looked at"),
    ],
)
def test_hostile_boxes(detector: Files, name: str, value: Any, said: str) -> None:
    rows = boxes(2)
    if isinstance(value, np.ndarray):
        rows[name] = value
    else:
        rows[name][0] = value
    files = detector | {"results/run/per_image/test.npz": npz(**rows)}

    with pytest.raises(RecomputingError, match=rf"per_image/test\.npz has .*({said})"):
        recompute(files.get, "results/run", "test")


def test_crowded_images_are_refused(detector: Files) -> None:
    rows = boxes(2)
    many = {name: np.repeat(rows[name][:1], 20_000, axis=0) for name in rows if name.startswith(("found_", "truth_"))}
    files = detector | {"results/run/per_image/test.npz": npz(**(rows | many))}

    with pytest.raises(RecomputingError, match="too many boxes in one image"):
        recompute(files.get, "results/run", "test")


def test_reconstruction(tmp_path: Path) -> None:
    from vyvod.tasks.reconstruction import from_rows

    rows = {
        "id": np.array(["a", "b"]),
        "loss": np.array([1, 2], dtype=np.float32),
        "mse": np.array([0.01, 0.1], dtype=np.float32),
    }
    files = written(tmp_path, "reconstruction", (), {"test": from_rows(rows)})

    assert_same_as_stored(files, "test")
    assert recompute(files.get, "results/run", "test").overall["psnr"] == pytest.approx(15, abs=1e-5)  # 20 dB and 10 dB


def experiment(pets: Files, **changes: Any) -> Files:
    """Two arms of one run each."""
    other = npz(label=LABEL, predicted=LABEL)
    files = pets | {path.replace("pets", "idea"): content for path, content in pets.items()}
    files |= {"results/idea/per_image/test.npz": other, "results/idea/scores.json": stored(1.0)}
    del files["results/idea/scores.json"]
    arms = [
        {"name": name, "runs": [{"seed": 0, "folder": f"runs/{name}", "value": value}], "n": 1, "mean": value}
        for name, value in (("pets", MACRO), ("idea", 1.0))
    ]
    goal = {"metric": "f1", "direction": "up", "margin": 0.01}
    record = {"registered": {"goal": goal}, "arms": [{"name": arm["name"], "runs": arm["runs"]} for arm in arms]}
    results = {
        **goal,
        "split": "test",
        "baseline": arms[0],
        "ideas": [arms[1] | {"comparison": {"difference": 1 - MACRO}}],
    }
    files["results/smoothing/record.json"] = json.dumps(record).encode()
    files["results/smoothing/results.json"] = json.dumps(results | changes).encode()
    return files


EXPERIMENT = "# Homework\n\n<!-- vyvod: experiment name=smoothing -->\n\n### smoothing\n"


def test_an_experiment_that_says_what_its_runs_say(pets: Files) -> None:
    (finding,) = compare(EXPERIMENT, experiment(pets).get)

    assert finding.ok is True
    assert "2 runs" in finding.text


def arm(value: float, *, seed: int = 0, mean: float | None = None, name: str = "pets") -> dict[str, Any]:
    run = {"seed": seed, "folder": f"/elsewhere/runs/{name}", "value": value}
    return {"name": name, "runs": [run], "mean": value if mean is None else mean}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"baseline": arm(0.6)}, "says 0.6 for f1 of the run pets; the run has 0.694444"),
        ({"baseline": arm(MACRO, mean=0.6)}, "the mean of pets is 0.6; its runs have 0.694444"),
        ({"baseline": arm(MACRO, seed=1)}, "other seeds"),
        ({"ideas": []}, "leaves out idea"),
        ({"ideas": [arm(1.0, name="idea"), arm(1.0, name="late")]}, "has late, which record.json does not have"),
        ({"margin": 0.001}, "0.01 was registered"),
        ({"ideas": [arm(1.0, name="idea") | {"comparison": {"difference": 0.5}}]}, "differs by 0.5"),
    ],
)  # fmt: skip
def test_an_edited_experiment_is_found(pets: Files, change: dict[str, Any], said: str) -> None:
    found = [finding for finding in compare(EXPERIMENT, experiment(pets, **change).get) if finding.ok is False]

    assert any(said in finding.text for finding in found)


@pytest.mark.parametrize("folder", ["runs/idea", None])
@pytest.mark.parametrize("kept", ["per_image/test.npz", "scores.json"])
def test_a_bad_run_that_was_left_out_is_found(pets: Files, folder: str | None, kept: str) -> None:
    files = experiment(pets)
    files["results/idea/scores.json"] = stored(1.0)
    files = {
        path: content
        for path, content in files.items()
        if "results/idea" not in path or kept in path or "run.json" in path
    }
    results = json.loads(files["results/smoothing/results.json"])
    left = {"seed": 0, "folder": folder, "value": None, "status": "failed"}
    idea = {"name": "idea", "runs": [left], "n": 0, "mean": None, "comparison": {"difference": None}}
    files["results/smoothing/results.json"] = json.dumps(results | {"ideas": [idea]}).encode()
    finding = only(compare(EXPERIMENT, files.get))

    assert finding.ok is False
    assert "says no value for f1 of the run idea; the run has 1" in finding.text


def test_a_run_that_failed_has_no_value_anywhere(pets: Files) -> None:
    files = {path: content for path, content in experiment(pets).items() if "results/idea" not in path}
    results = json.loads(files["results/smoothing/results.json"])
    idea = {"name": "idea", "runs": [{"seed": 0, "folder": "runs/idea", "value": None}], "mean": None}
    files["results/smoothing/results.json"] = json.dumps(results | {"ideas": [idea]}).encode()
    (finding,) = compare(EXPERIMENT, files.get)

    assert finding.ok is True
    assert "1 run" in finding.text


def test_an_experiment_whose_runs_are_not_in_the_branch(pets: Files) -> None:
    files = {path: content for path, content in experiment(pets).items() if "smoothing" in path}
    (finding,) = compare(EXPERIMENT, files.get)
    assert finding.ok is None
    assert "2 runs could not be compared" in finding.text
    for path in list(files):
        for content in (
            None,
            b"{}",
            b'{"baseline": 3, "registered": 4}',
            b'{"registered": {"goal": {}}, "arms": [{"name": []}]}',
        ):
            damaged = {**files, path: content}
            assert [one.ok for one in compare(EXPERIMENT, damaged.get)] == [None], (path, content)
    assert only(compare("<!-- vyvod: experiment name=../x -->", files.get)).ok is None


def homework_yaml(text: str, **changes: Any) -> bytes:
    record = {"number": 1, "title": "x", "written": "now", "runs": ["pets"], "experiments": ["smoothing"],
              "result": {"run": "pets", "model": "m", "data": "d", "metric": "f1", "split": "test", "value": 0.7},
              "readme": readme_hash(text.encode())}  # fmt: skip
    return json.dumps(record | changes).encode()


ALL = OVERALL.replace("accuracy", "accuracy,precision,recall")
WHOLE = f"""{per_class()}

{table("| macro F1 | 0.6944 |", "| accuracy | 0.7 |", "| P | 0.69 |", "| R | 0.69 |", mark=ALL)}

F1 of the idea is 0.91.

{EXPERIMENT}

{START}
my words
{END}
"""


def test_a_readme_as_it_was_written(pets: Files) -> None:
    files = experiment(pets) | {"homework.yaml": homework_yaml(WHOLE)}
    own = WHOLE.replace("my words", "F1 is 0.99").replace("\n", "\r\n")
    for text in (WHOLE, own):
        (finding,) = compare_written(text.encode(), text, files.get, 1)
        assert finding.ok is True
        assert "own part was not compared" in finding.text


@pytest.mark.parametrize(
    ("old", "new"), [("0.91", "0.92"), ("F1 of the idea", "F1 of my idea"), (END, f"{END}\nF1 = 0.9")]
)
def test_a_change_outside_of_the_tables_is_found(pets: Files, old: str, new: str) -> None:
    files = experiment(pets) | {"homework.yaml": homework_yaml(WHOLE)}
    changed = WHOLE.replace(old, new)
    assert not bad(compare(changed, files.get))
    (finding,) = compare_written(changed.encode(), changed, files.get, 1)
    assert finding.ok is None
    assert finding.found.startswith("README was changed by hand after it was written")
    assert "not compared" in finding.found
    assert finding.cure.startswith("Write the README again with `vyvod coursework homework`")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (ALL, "", "over all classes"),
        (PER_CLASS, "", "for each class"),
        ("<!-- vyvod: experiment name=smoothing -->", "", "the experiment smoothing"),
        (ALL, OVERALL, "precision, recall"),
        ("columns=precision,recall,f1,support", "columns=precision,recall", "for each class f1"),
    ],
)  # fmt: skip
def test_a_mark_that_was_lost_is_missed(pets: Files, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    changed = WHOLE.replace(old, new)
    files = experiment(pets) | {"homework.yaml": homework_yaml(changed)}
    first, *rest = compare_written(changed.encode(), changed, files.get, 1)
    assert first.ok is False
    assert said in first.text
    assert [one.ok for one in rest] == [True]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "There is no homework.yaml"),
        (b"\xff", "not readable YAML"),
        (b"[" * 10**4, "not readable YAML"),
        (b" " * (2**20 + 1), "too large"),
        (homework_yaml(WHOLE, number=2), "of homework 2"),
        (homework_yaml(WHOLE, readme=None), "does not say how"),
    ],
)
def test_without_a_record_the_rest_cannot_be_told(pets: Files, record: bytes | None, said: str) -> None:
    files = experiment(pets) | ({"homework.yaml": record} if record is not None else {})
    (finding,) = compare_written(WHOLE.encode(), WHOLE, files.get, 1)
    assert finding.ok is None
    assert said in finding.text
    assert not list(compare_written(b"x", "x", {}.get, 1))


def test_found_and_cure_are_sentences_of_their_own(pets: Files) -> None:
    wrong = only(compare(overall("0.7944"), pets.get))
    lost = only(compare(OVERALL, pets.get))
    for finding in (wrong, lost):
        assert not finding.found.endswith((".", ";"))
        assert finding.cure[0].isupper()
        assert finding.cure.endswith(".")
    assert "the run has 0.6944" in wrong.found
    assert all(one.cure == "" for one in compare(overall("0.6944"), pets.get))


def test_large_hostile_readmes_take_a_moment(pets: Files) -> None:
    head = f"{OVERALL}\n|a|b|\n|--|--|\n"
    texts = (
        "<!-- vyvod: values " + "a" * 10**6,
        "|" * 10**6 + "\n" + "-|" * 10**6 + "x",
        "`" * 10**6,
        head + "|\n" * 10**5,
        head + "|" + "f1|" * 10**5,
        f"{OVERALL}\n" * 10**4,
    )
    start = time.monotonic()
    for text in texts:
        assert all(finding.ok is not True for finding in compare(text, pets.get))
    assert time.monotonic() - start < 10
    assert any("more than 200 marks" in one.text for one in compare((OVERALL + "\n") * 300, pets.get))


def test_torch_is_not_loaded() -> None:
    program = (
        "import sys\nfrom tests.coursework.test_numbers import *\n"
        "files = {'results/pets/run.json': run_json('classification', CLASSES), 'results/pets/scores.json': stored(),\n"
        "         'results/pets/per_image/test.npz': npz(label=LABEL, predicted=PREDICTED)}\n"
        "assert not bad(compare(overall('0.6944') + per_class(), files.get))\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_the_name_of_the_background() -> None:
    from vyvod.data import contract

    assert BACKGROUND == contract.BACKGROUND
