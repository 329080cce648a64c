"""Reports of object detection."""

import json
import math
import re
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from tests.report.conftest import change
from tests.report.detections import make_detection_run, squares
from tests.report.test_report import EN, RU, Page, texts, written
from tests.report.test_segmentation import data_of, rows, scores

from vyvod.errors import RunError
from vyvod.metrics.detection import suspects_of_rows
from vyvod.report import html, readme
from vyvod.report.detection import confidence, panels
from vyvod.report.detection.curves import mean_over_classes
from vyvod.report.document import Box, BoxCard, Gallery
from vyvod.report.reading import read_run
from vyvod.report.report import write_report
from vyvod.report.sections import document
from vyvod.report.settings import ReportSettings
from vyvod.report.text import Words


class Report(NamedTuple):
    """What a person reads."""

    text: str
    page: str
    cards: list


FIGURES = {
    "loss", "metrics", "learning_rate", "class_balance", "box_sizes", "examples", "per_class", "precision_recall",
    "f1_confidence", "confidence", "f1_images", "confusion", "errors",
}  # fmt: skip
SPACE = "\u00a0"


@pytest.fixture(scope="module")
def english(blood: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(blood, tmp_path_factory.mktemp("en") / "blood"))
    write_report(folder, ReportSettings(examples=5))
    return folder


@pytest.fixture(scope="module")
def text(english: Path) -> str:
    return (english / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reports() -> Callable[..., Report]:
    """The report of a run that is not changed: drawn once."""
    return lru_cache(report)


def report(folder: Path, settings: ReportSettings = EN) -> Report:
    """Both pages of a run from one drawing, and its cards."""
    whole, words = document(read_run(folder), settings), Words(settings.language)
    cards = [
        card
        for section in whole.sections
        for block in section.blocks
        if isinstance(block, Gallery)
        for card in block.cards
    ]
    return Report(readme.render(whole, words), html.render(whole, words), cards)


def arrays(folder: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(folder / name / "test.npz") as stored:
        return dict(stored)


def rewrite(folder: Path, name: str, **changed: np.ndarray) -> None:
    for split in ("val", "test"):
        with np.load(folder / name / f"{split}.npz") as stored:
            whole = dict(stored)
        np.savez(folder / name / f"{split}.npz", **whole | changed)


def examples_of(folder: Path) -> list[dict]:
    return json.loads((folder / "examples.json").read_text(encoding="utf-8"))


def test_sections_stand_in_order(text: str) -> None:
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
        "The task", "The data set", "Training", "Examples", "Scores", "Scores of each class", "Curves by confidence",
        "Scores of the images", "Confusion matrix", "What the errors cost", "Labels to look at", "Cost", "How to repeat",
        "Settings", "History",
    ]  # fmt: skip


def test_numbers_are_those_of_the_scores(english: Path, text: str) -> None:
    overall, by_class = scores(english)["overall"], scores(english)["per_class"]
    best = f"{overall['best_f1_confidence']:.3f}".removesuffix("0")
    assert (
        f"`yolo5` reaches mAP@0.5:0.95 **{overall['map']:.4f}** and mAP@0.5 **{overall['map50']:.4f}** on 12{SPACE}images "
        f"of the test split of Pictures; at confidence 0.25 its precision is **{overall['precision']:.3f}** and its recall "
        f"**{overall['recall']:.3f}**." in text
    )
    table = rows(text[text.index("## Scores\n") :])
    assert table["mAP@0.75"][:2] == [f"{overall['map75']:.4f}"] * 2
    assert "at confidence 0.25 and IoU 0.5" in table["macro F1"][2]
    assert f"macro F1 at confidence {best}; on val" in table["macro F1 at best F1"][2]
    assert all(cells[2] for name, cells in table.items() if name.startswith(("mAP", "AR", "macro")))
    assert f"They are given at 0.25, fixed beforehand, and at {best}, chosen on val" in text
    part = text[text.index("## Scores of each class") :]
    assert f"| № | class | objects | AP | AP50 | P at 0.25 | R at 0.25 | F1 at 0.25 | P at {best} |" in part
    names = ("ap", "ap50", "precision", "recall", "f1", "precision_at_best_f1")
    for place, name in enumerate(("RBC", "WBC", "Platelets")):
        values = [f"{by_class[metric][place]:.3f}" for metric in names]
        assert rows(part)[str(place + 1)][:8] == [name, str(int(by_class["support"][place])), *values]


def test_objects_of_the_splits(english: Path, text: str) -> None:
    objects = data_of(english)["splits"]["train"]["objects"]
    assert f"| train: the network learns from it | 400 | {sum(objects['counts'])} | 0 | 0 |" in text
    assert f"| 1 | RBC | {objects['counts'][0]} | {objects['images'][0]} |" in text
    assert f"In the train split **RBC** has {objects['counts'][0]}{SPACE}objects" in text
    width, height = np.median(np.array(objects["boxes"]), axis=0)
    assert f"at most **{width:.0f}** pixels wide and half at most **{height:.0f}** pixels high" in text


def test_confusion_counts_what_is_missed_and_what_is_nowhere(english: Path, text: str) -> None:
    counts = arrays(english, "totals")["confusion"]
    objects, right, missed = counts[:-1].sum(), np.trace(counts[:-1, :-1]), counts[:-1, -1].sum()
    wrong = objects - right - missed
    assert (
        f"of {objects}{SPACE}objects **{right} ({right / objects:.1%})** are found with their class, "
        f"**{wrong} ({wrong / objects:.1%})** with a wrong one, and **{missed} ({missed / objects:.1%})** are missed."
        in text
    )
    assert f"already found): **{counts[-1, :-1].sum()}**." in text
    assert re.search(rf"\| RBC \| background \| {counts[0, -1]} \|", text)


def test_the_costliest_error(english: Path, text: str) -> None:
    costs = arrays(english, "totals")["tide"]
    names = [
        "wrong class",
        "inaccurate box",
        "wrong class and inaccurate box",
        "duplicate",
        "nothing there",
        "missed object",
    ]
    place = int(costs.argmax())
    assert f"**{names[place]}**. If it alone were fixed, mAP@0.5 would rise by **{costs[place]:.3f}**." in text
    table = rows(text[text.index("## What the errors cost") :])
    assert [table[name][0] for name in names] == [f"{cost:.3f}" for cost in costs]


def test_suspects_are_candidates(english: Path, text: str) -> None:
    per_image = arrays(english, "per_image")
    found = suspects_of_rows(per_image, 3)
    part = text[text.index("## Labels to look at") : text.index("## Cost")]
    assert "These are candidates to look at, not errors" in part
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    assert len(lines) == min(len(found), 15)
    first = found[0]
    box = ", ".join(f"{side:.0f}" for side in first.box)
    assert lines[0].startswith(f"| `{per_image['id'][first.image]}` | ")
    assert lines[0].endswith(f" | {first.score:.2f} | {box} |")


def test_weakest_images_come_first(english: Path, text: str) -> None:
    per_image = arrays(english, "per_image")
    place = int(per_image["f1"].argmin())
    counts = [per_image[name][place].sum() for name in ("true_positives", "false_positives", "false_negatives")]
    numbers = " | ".join(str(count) for count in counts)
    table = text[text.index("*The weakest images*") :]
    assert table.splitlines()[4] == f"| `{per_image['id'][place]}` | {per_image['f1'][place]:.3f} | {numbers} |"
    assert f"Half of the images have F1 above **{np.median(per_image['f1']):.3f}**" in text


def test_figures_are_there_sharp_and_small(english: Path, text: str) -> None:
    files = {path.stem: path for path in (english / "figures").iterdir()}
    assert set(files) == FIGURES == set(re.findall(r"\(figures/(.*)\.png\)", text))
    for name, path in files.items():
        assert path.stat().st_size < (900_000 if name == "examples" else 200_000), name
        with Image.open(path) as image:
            assert image.width == pytest.approx(1600, abs=2)


def test_the_figure_has_the_colours_of_right_false_and_missed(english: Path) -> None:
    with Image.open(english / "figures" / "examples.png") as image:
        found = {colour for _, colour in image.convert("RGB").getcolors(2**24) or []}
    assert {(10, 108, 255), (255, 140, 0), (194, 0, 107), (24, 33, 44)} <= found


def test_the_same_folder_gives_the_same_pages(boxed: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(boxed, tmp_path / "again" / "boxed"))
    one, two = report(boxed), report(again)
    assert one.text == two.text
    assert one.page == two.page


def test_russian(blood: Path) -> None:
    text, page, _ = report(blood, RU)
    overall = scores(blood)["overall"]
    value = f"{overall['map']:.4f}".replace(".", ",")
    assert f"показывает mAP@0.5:0.95 = **{value}** и mAP@0.5 = **" in text
    assert "при пороге уверенности 0,25 точность (precision) равна **" in text
    assert f"сеть находит на изображении объекты 3{SPACE}классов, заключает каждый в ограничивающую рамку" in text
    for word in (
        "ложное срабатывание", "пропуск", "Матрица ошибок", "Цена ошибок", "Это кандидаты на проверку, а не найденные ошибки",
        "вписываются в 320 × 320 пикселей с сохранением пропорций", "наличие объекта", "порог уверенности",
    ):  # fmt: skip
        assert word in text or word in page, word
    assert not re.search(r"\b0\.\d", re.sub(r"mAP@[\d.:]+|Vyvod [\d.]+|0\.1\.0", "", texts(page)))


@pytest.mark.parametrize(
    ("resize", "expected"),
    [
        ("letterbox", "scaled to fit into 320 × 320 pixels with their proportions kept"),
        ("stretch", "stretched to 320 × 320 pixels"),
        ("none", "The network takes them as they are and resizes them itself."),
        (None, "the network sees them as 320 × 320 pixels"),
    ],
)
def test_how_images_get_into_the_network(boxed: Path, resize: str | None, expected: str) -> None:
    change(boxed, input={"channels": 3, "height": 320, "width": 320, "resize": resize, "confidence": 0.3})
    text = written(boxed)
    assert expected in text
    assert "at confidence 0.30 its precision" in text


def test_classes_without_objects(boxed: Path) -> None:
    text = written(boxed)
    assert "These classes have no object in the train split, so the network cannot learn them: never." in text
    assert "Without objects on test: never." in text
    assert re.search(r"\| 4 \| never \| 0 \| — \| — \| ", text)
    assert "— stands for a value that is undefined, such as the AP of a class without objects." in text
    assert "nan" not in text


def test_one_class_and_masks(trees: Path) -> None:
    text, page, (card, *_) = report(trees)
    assert f"draws a box around every object of 1{SPACE}class, **tree**, and" in text
    assert f"сообщает свою уверенность. В датасете 1{SPACE}класс: **tree**." in written(trees, RU)
    assert "Besides the box it gives the mask of each object." in text
    assert "| mask mAP@0.5:0.95 |" in text
    for part in ("RPN objectness", "RPN boxes", "masks", "boxes", "classes"):
        assert f">{part}<" in page, part
    assert page.count('class="pixels"') == 6
    assert "mean of" not in text
    assert isinstance(card, BoxCard)
    assert card.masks is not None
    assert card.masks.info["transparency"] == 0


def test_names_that_would_be_code(coco: Path, reports: Callable[..., Report]) -> None:
    text, source, _ = reports(coco)
    page = Page(source)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert "<script" not in text
    ids = re.findall(r'\bid="([^"]+)"', source)
    assert len(ids) == len(set(ids))
    names = {attributes["data-class"] for _, attributes in page.tags if "data-class" in attributes}
    assert names <= set(data_of(coco)["classes"])
    assert names & {
        "<script>alert('class')</script>",
        "a | b",
        '"><img src=https://example.invalid/p.png onerror=alert(1)>',
    }
    assert len(source) < 3_500_000


def test_crowds_do_not_count(coco: Path, reports: Callable[..., Report]) -> None:
    text, _, cards = reports(coco)
    assert "Objects marked as crowd or difficult do not count" in text
    crowds = data_of(coco)["splits"]["train"]["objects"]["crowd"]
    assert crowds > 0
    assert f" | {crowds} | drawn from" in text
    roles = {box.role for card in cards for box in card.boxes}
    assert {"crowd", "ignored", "right", "false", "missed", "found"} <= roles


def test_boxes_of_a_card_are_those_that_are_stored(blood: Path) -> None:
    example = next(part for part in examples_of(blood) if part["role"] == "random")
    card = report(blood, ReportSettings(examples=5)).cards[0]
    assert isinstance(card, BoxCard)
    assert card.name == example["id"]
    assert card.order == pytest.approx(example["f1"])
    assert len(card.boxes) == len(example["truth"]) + len(example["predicted"])
    first = example["predicted"][0]
    label = f"{data_of(blood)['classes'][first['class']]} {first['score']:.2f}"
    box = next(box for box in card.boxes if box.label == label and box.left == pytest.approx(first["box"][0]))
    assert box.role == ("right" if first["right"] else "false")
    assert [box.left + box.width, box.top + box.height] == pytest.approx(first["box"][2:])
    areas = [box.width * box.height for box in card.boxes]
    assert areas == sorted(areas, reverse=True)
    missed = sum(not part["found"] for part in example["truth"])
    assert card.counts.endswith(f"· {missed}{SPACE}missed")


@pytest.mark.parametrize(
    "lost",
    [
        ["totals"],
        ["per_image"],
        ["examples", "examples.json"],
        ["scores.json", "per_image", "totals", "examples", "examples.json", "metrics.csv", "settings.yaml"],
    ],
)
def test_files_that_are_not_there(boxed: Path, lost: list[str]) -> None:
    for name in lost:
        path = boxed / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    data = data_of(boxed)
    for split in data["splits"].values():
        del split["objects"]
    change(boxed, data=data, input=None, best_epoch=None)
    for settings in (EN, RU) if len(lost) > 2 else (EN,):
        text, page, _ = report(boxed, settings)
        assert "nan" not in text
        assert ("figures/precision_recall.png" in text) == ("totals" not in lost)
        assert ("figures/f1_images.png" in text) == ("per_image" not in lost)
        assert ("figures/examples.png" in text) == ("examples.json" not in lost)
        assert page.endswith("</html>\n")


def test_an_unfinished_run_has_the_scores_of_its_best_epoch(boxed: Path) -> None:
    for name in ("scores.json", "examples.json"):
        (boxed / name).unlink()
    shutil.rmtree(boxed / "totals")
    shutil.rmtree(boxed / "per_image")
    change(boxed, status="interrupted")
    text = written(boxed)
    assert "reaches mAP@0.5:0.95 **0.5" in text
    assert "and at —, chosen on val" in text


def test_a_network_that_finds_nothing(tmp_path: Path) -> None:
    pictures = squares(3, 3)
    folder = make_detection_run(tmp_path / "nothing", pictures, ("a", "b", "c"), epochs=1, answers=[NOTHING] * 3)
    text, page, _ = report(folder)
    assert "reaches mAP@0.5:0.95 **0.0000**" in text
    assert "report.html" not in text
    assert "![Confusion matrix on test. The most frequent errors are in the table below.]" in text
    assert "nan" not in text
    assert ">nan<" not in page


def test_a_test_split_without_objects(tmp_path: Path) -> None:
    pictures = [
        picture._replace(boxes=NOTHING[0], labels=NOTHING[1], crowd=np.zeros(0, bool)) for picture in squares(3, 3)
    ]
    seen = (np.array([[1, 1, 9, 9]], dtype=np.float32), np.array([1]), np.array([0.9], dtype=np.float32))
    for answers in ([NOTHING] * 3, [seen, NOTHING, NOTHING]):
        folder = make_detection_run(tmp_path / str(len(answers[0][0])), pictures, ("a", "b", "c"), answers=answers)
        text, page, _ = report(folder)
        assert " **—** " in text
        assert "nan" not in text
        assert page.endswith("</html>\n")


NOTHING = (np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))


def test_arrays_of_another_run(boxed: Path) -> None:
    rewrite(boxed, "totals", confusion=np.zeros((4, 4), dtype=np.int64))
    with pytest.raises(RunError, match=r"'confusion' of the shape \(4, 4\), expected was \(5, 5\)"):
        read_run(boxed)
    shutil.rmtree(boxed / "totals")
    whole = arrays(boxed, "per_image")
    rewrite(boxed, "per_image", found_label=whole["found_label"] + 9)
    with pytest.raises(RunError, match=r"outside of 0\.\.3 under 'found_label'"):
        read_run(boxed)
    rewrite(boxed, "per_image", found_label=whole["found_label"], truth_box=whole["truth_box"][1:])
    with pytest.raises(RunError, match=r"'truth_box' of the shape"):
        read_run(boxed)
    np.savez(boxed / "per_image" / "val.npz", id=np.array(["a"]))
    with pytest.raises(RunError, match=r"val\.npz lacks f1"):
        read_run(boxed)


def test_examples_of_another_run(boxed: Path) -> None:
    record = examples_of(boxed)
    record[0]["predicted"] = [{"class": 4, "box": [0, 0, 1, 1], "score": 0.5, "right": None}]
    (boxed / "examples.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RunError, match=r"holds the class 4 at .*; the run has 4"):
        written(boxed)
    record[0]["predicted"] = [{"class": -1, "box": [0, 0, 1, 1], "score": 0.5}]
    (boxed / "examples.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RunError, match="does not hold what a run writes there"):
        read_run(boxed)


def test_masks_that_are_no_palette(boxed: Path) -> None:
    record = examples_of(boxed)
    record[0]["masks"] = "examples/masks.png"
    (boxed / "examples.json").write_text(json.dumps(record), encoding="utf-8")
    assert f"1{SPACE}file of the gallery could not be found" in written(boxed)
    Image.new("RGB", (64, 64)).save(boxed / "examples" / "masks.png")
    with pytest.raises(RunError, match="a picture of mode RGB; masks are palette pictures"):
        written(boxed)


def test_an_example_without_a_score(boxed: Path) -> None:
    record = examples_of(boxed)
    record[0] = {key: value for key, value in record[0].items() if key not in ("f1", "truth")}
    (boxed / "examples.json").write_text(json.dumps(record), encoding="utf-8")
    assert "F1 —" in texts(report(boxed).page)


def test_as_many_examples_as_asked_for(text: str, coco: Path, reports: Callable[..., Report]) -> None:
    assert f"![5{SPACE}images with true boxes and detections" in text
    assert f"![10{SPACE}images with true boxes and detections" in reports(coco).text


def test_means_leave_out_what_is_undefined() -> None:
    values = np.array([[1.0, math.nan, math.nan], [0.5, 0.25, math.nan]])
    assert mean_over_classes(values)[:2].tolist() == [0.75, 0.25]
    assert math.isnan(mean_over_classes(values)[2])


def test_labels_do_not_cover_each_other() -> None:
    taken: list[panels._Area] = []
    box = Box("right", 10.0, 10.0, 30.0, 30.0, "a 0.50", "a")
    for _ in range(5):
        area = panels._free(box, 0.05, (3.0, 3.0), 0.5, taken)
        if area is not None:
            taken.append(area)
    assert len(taken) == 4  # above, below, and twice inside; the fifth finds no room
    assert not any(one.meets(two) for one in taken for two in taken if one is not two)
    assert all(area.inside(3.0, 3.0) for area in taken)


def test_the_fixed_confidence_of_an_older_record(boxed: Path) -> None:
    record = json.loads((boxed / "run.json").read_text(encoding="utf-8"))
    change(boxed, input=record["input"] | {"confidence": None})
    assert confidence.fixed(read_run(boxed)) == 0.25
