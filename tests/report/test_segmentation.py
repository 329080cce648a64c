"""Reports of semantic segmentation."""

import base64
import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.report.conftest import change
from tests.report.masks import CAMVID_COLOURS, IGNORED
from tests.report.test_report import EN, RU, Copied, Page, paged, texts, written

from vyvod.errors import RunError
from vyvod.report.document import Gallery, MaskCard
from vyvod.report.reading import read_run
from vyvod.report.report import write_report
from vyvod.report.sections import document
from vyvod.report.segmentation import masks
from vyvod.report.settings import ReportSettings

FIGURES = {"loss", "metrics", "learning_rate", "class_balance", "examples", "per_class", "dice_images", "confusion"}
SPACE = "\u00a0"


def scores(folder: Path) -> dict[str, dict[str, list[float]]]:
    return json.loads((folder / "scores.json").read_text(encoding="utf-8"))["test"]


def rows(text: str) -> dict[str, list[str]]:
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {cells[0]: cells[1:] for cells in lines}


def gallery(folder: Path, settings: ReportSettings = EN) -> Gallery:
    report = document(read_run(folder), settings)
    return next(block for section in report.sections for block in section.blocks if isinstance(block, Gallery))


def data_of(folder: Path) -> dict[str, dict]:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))["data"]


@pytest.fixture(scope="module")
def english(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(scenes, tmp_path_factory.mktemp("en") / "scenes"))
    write_report(folder, EN)
    return folder


def test_sections_stand_in_the_agreed_order(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
        "The task", "The data set", "Training", "Examples", "Scores", "Scores of each class", "Scores of the images",
        "Confusion matrix", "Cost", "How to repeat", "Settings", "History",
    ]  # fmt: skip


def test_numbers_are_those_of_the_scores(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    overall, by_class = scores(english)["overall"], scores(english)["per_class"]
    assert (
        f"reaches macro Dice **{overall['dice']:.4f}** and mIoU **{overall['iou']:.4f}** on 12{SPACE}images of the test "
        f"split of Street scenes, at their original resolution; it gives the right class to "
        f"**{overall['pixel_accuracy']:.1%}** of the pixels." in text
    )
    table = rows(text[text.index("## Scores\n") :])
    assert table["mIoU"][:2] == [f"{overall['iou']:.4f}"] * 2
    assert table["macro F1"][0] == f"{overall['dice']:.4f}"
    assert "the same number as macro Dice" in table["macro F1"][2]
    assert "only the classes of its truth or its prediction" in table["mean Dice of the images"][2]
    table = rows(text[text.index("## Scores of each class") :])
    total = sum(by_class["support"])
    for place, name in enumerate(data_of(english)["classes"]):
        values = [f"{by_class[metric][place]:.3f}" for metric in ("dice", "iou", "precision", "recall", "f1")]
        cells = table[str(place + 1)]
        assert cells[:6] == [name, *values]
        share = float(cells[7].rstrip("%")) / 100
        assert share == pytest.approx(by_class["support"][place] / total, abs=6e-4)


def test_confusion_is_in_shares_of_pixels(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    with np.load(english / "totals" / "test.npz") as stored:
        counts = stored["confusion"]
    wrong = counts - np.diag(np.diag(counts))
    truth, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    names = data_of(english)["classes"]
    share = f"{wrong[truth, predicted] / counts[truth].sum():.1%}"
    assert f"On test, {wrong.sum() / counts.sum():.1%} of the pixels that count have a wrong class." in text
    assert f"**{names[truth]}** taken for **{names[predicted]}**, {share} of the pixels of the true class." in text
    first = text[text.index("*The most frequent confusions*") :].splitlines()[4]
    assert first.startswith(f"| {names[truth]} | {names[predicted]} |")
    assert first.endswith(f"| {share} |")


def test_half_of_the_images_are_above_the_median(english: Path) -> None:
    with np.load(english / "per_image" / "test.npz") as stored:
        dice, ids = stored["dice"], stored["id"]
    text = (english / "README.md").read_text(encoding="utf-8")
    assert f"Half of the images have Dice above **{np.median(dice):.3f}**" in text
    assert f"| `{ids[dice.argmin()]}` | {dice.min():.3f} |" in text


def test_figures_are_there_sharp_and_small(english: Path) -> None:
    files = {path.stem: path for path in (english / "figures").iterdir()}
    assert set(files) == FIGURES
    for name, path in files.items():
        assert path.stat().st_size < (900_000 if name == "examples" else 200_000), name
        with Image.open(path) as image:
            assert image.width == pytest.approx(1600, abs=2)
    text = (english / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(figures/(.*)\.png\)", text)) == FIGURES


def test_the_figure_keeps_the_colours_of_the_classes(english: Path) -> None:
    with Image.open(english / "figures" / "examples.png") as image:
        found = {colour for _, colour in image.convert("RGB").getcolors(2**24) or []}
    assert {(255, 255, 255), *CAMVID_COLOURS} <= found


def test_same_folder_same_bytes(masked: Path, copied: Copied) -> None:
    again = copied(masked, "again/masked")
    for folder in (masked, again):
        write_report(folder, EN)
    for name in ("README.md", "report.html", *(f"figures/{figure}.png" for figure in FIGURES)):
        one, two = ((folder / name).read_bytes() for folder in (masked, again))
        assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest(), name


def test_russian(scenes: Path) -> None:
    text, page = written(scenes, RU), paged(scenes, RU)
    value = f"{scores(scenes)['overall']['dice']:.4f}".replace(".", ",")
    assert f"показывает Dice (macro) = **{value}** и mIoU = **" in text
    assert f"на 12{SPACE}изображениях тестовой выборки датасета Street scenes в исходном разрешении" in text
    for word in (
        "Семантическая сегментация: сеть относит каждый пиксель к одному из",
        "перекрывающимися окнами размером с кроп",
        "Неразмеченные пиксели (",
        "карта ошибок",
        "## Матрица ошибок",
        "Худшие изображения",
        "доля верных пикселей (pixel accuracy)",
        "кросс-энтропия",
        "неверный класс",
    ):
        assert word in text or word in page, word
    assert '<html lang="ru"' in page
    assert not re.search(r"\b0\.\d", texts(page).replace("0.1.0", ""))


@pytest.mark.parametrize(
    ("change_of_input", "expected"),
    [
        ({}, "Training sees crops of 16 × 16 pixels."),
        ({"height": 32, "width": 32}, "Training sees them whole."),
        ({"image_size": 20}, "first resized so that the shorter side has 20 pixels. Training sees crops of"),
        ({"image_size": [16, 16]}, "first resized to 16 × 16 pixels. Training sees them whole."),
        ({"evaluation": "full"}, "whole images go through the network at once; the output is compared with the masks"),
        ({"evaluation": "sliding"}, "overlapping windows of the crop's size"),
        ({"evaluation": None}, "whole images are segmented; the output"),
    ],
)
def test_how_images_get_into_the_network(masked: Path, change_of_input: dict, expected: str) -> None:
    record = json.loads((masked / "run.json").read_text(encoding="utf-8"))
    change(masked, input=record["input"] | change_of_input)
    text = written(masked)
    assert expected in text
    # Whether these are crops or whole images is said once, above.
    assert "on the crops" not in text
    assert "augmented crops" not in text


def test_what_the_masks_hold(masked: Path) -> None:
    counts = {"masks": 46, "counts": [900_000, 99_900, 100, 0, 0], "images": [46, 40, 3, 0, 0], "ignored": 250_000}
    data = data_of(masked)
    data["splits"]["train"] |= {"counts": [], "pixels": counts}
    data["splits"]["val"] |= {"counts": None, "pixels": None}
    del data["splits"]["test"]["counts"], data["splits"]["test"]["pixels"]
    change(masked, data=data)
    text = written(masked)
    assert f"| train: the network learns from it | 400 | 46 | 1{SPACE}M | 250{SPACE}k |" in text
    assert "| val: chooses the checkpoint | 100 | — | — | — |" in text
    assert (
        f"> [!WARNING]\n> In the 46{SPACE}masks of the train split that were counted these classes never occur, "
        "so the network cannot learn them: never, nowhere." in text
    )
    assert "In the train split **background** takes 90.0% of the labelled pixels, **wall** 0.01%." in text
    assert "| № | class | pixels, train | masks of 46, train |\n" in text
    assert "| 2 | cell | 10.0% | 40 |" in text
    assert "| 4 | never | 0% | 0 |" in text
    assert "Pixels without a label, 20.0% of those of train, count neither" in text
    assert "- The masks hold class numbers; 255 is taken as: does not count." in text


def test_classes_that_do_not_occur(forty: Path) -> None:
    text, page = written(forty), texts(paged(forty))
    assert "Left out on test: class 38, class 39." in text
    assert "| 40 | class 39 | — | — | — | — | — | 0 | 0% |" in text
    assert "— stands for a value that is undefined: the class is neither in the truth nor predicted." in text
    assert "nan" not in text
    assert "these classes never occur, so the network cannot learn them: class 38, class 39." in page


def test_a_class_that_is_only_predicted(masked: Path) -> None:
    stored = json.loads((masked / "scores.json").read_text(encoding="utf-8"))
    stored["test"]["per_class"]["dice"][3] = 0.0
    (masked / "scores.json").write_text(json.dumps(stored), encoding="utf-8")
    assert "Left out on test: nowhere. Only predicted on test: never." in written(masked)


def test_names_that_would_be_code(forty: Path) -> None:
    source, text = paged(forty), written(forty)
    page = Page(source)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert "<script" not in text
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "srcset"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), (tag, name, value)
    ids = re.findall(r'\bid="([^"]+)"', source)
    assert len(ids) == len(set(ids))
    tags = [json.loads(attributes["data-tags"] or "") for _, attributes in page.tags if "data-tags" in attributes]
    assert set().union(*tags) <= set(data_of(forty)["classes"])
    assert any("<script>alert('class')</script>" in names for names in tags)


@pytest.mark.parametrize(
    "lost",
    [
        ["totals"],
        ["per_image"],
        ["examples", "examples.json"],
        ["scores.json", "per_image", "totals", "examples", "examples.json", "metrics.csv", "settings.yaml"],
    ],
)
def test_files_that_are_not_there(masked: Path, lost: list[str]) -> None:
    for name in lost:
        path = masked / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    data = data_of(masked) | {"palette": None}
    del data["notes"]
    for split in data["splits"].values():
        split["pixels"] = None
    change(masked, data=data, input=None, best_epoch=None)
    for settings in (EN, RU):
        text, page = written(masked, settings), paged(masked, settings)
        assert "nan" not in text
        assert ("## Confusion" in text) == (settings is EN and "totals" not in lost)
        assert ("figures/dice_images.png" in text) == ("per_image" not in lost)
        assert ("figures/examples.png" in text) == ("examples.json" not in lost)
        assert page.endswith("</html>\n")


def test_an_unfinished_run_has_the_scores_of_its_best_epoch(masked: Path) -> None:
    for name in ("scores.json", "examples.json"):
        (masked / name).unlink()
    shutil.rmtree(masked / "totals")
    shutil.rmtree(masked / "per_image")
    change(masked, status="interrupted")
    text = written(masked)
    assert "reaches macro Dice **0.7" in text
    assert "of the val split of Street scenes" in text
    assert "The test split has not been evaluated." in text


def test_images_without_a_labelled_pixel(masked: Path) -> None:
    path = masked / "per_image" / "test.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["dice"][1:] = np.nan
    np.savez(path, **arrays)
    text = written(masked)
    assert f"4{SPACE}images without a labelled pixel cannot be judged and are left out." in text
    arrays["dice"][:] = np.nan
    np.savez(path, **arrays)
    assert "## Scores of the images" not in written(masked)


def test_arrays_of_another_run(masked: Path) -> None:
    path = masked / "totals" / "test.npz"
    np.savez(path, confusion=np.zeros((3, 3), dtype=np.int64))
    with pytest.raises(RunError, match=r"test\.npz holds 'confusion' of the shape \(3, 3\), expected was \(5, 5\)"):
        read_run(masked)
    path.unlink()
    np.savez(masked / "per_image" / "val.npz", id=np.array(["a"]))
    with pytest.raises(RunError, match=r"val\.npz lacks dice"):
        read_run(masked)
    np.savez(
        masked / "per_image" / "val.npz", id=np.array(["a"]), dice=np.ones(1), support=np.ones((1, 7), dtype=np.int64)
    )
    with pytest.raises(RunError, match=r"'support' of the shape \(1, 7\), expected was \(1, 5\)"):
        read_run(masked)


def test_sums_of_many_billions_of_pixels(masked: Path) -> None:
    counts = np.full((5, 5), 10**9) + np.diag(np.full(5, 10**11))
    np.savez(masked / "totals" / "test.npz", confusion=counts)
    assert f"| background | cell | 1{SPACE}G | 1.0% |" in written(masked)


def test_examples_whose_masks_are_lost(masked: Path) -> None:
    (masked / "examples" / "0001_truth.png").unlink()
    assert f"1{SPACE}file of the gallery could not be found" in written(masked)
    Image.new("RGB", (32, 32)).save(masked / "examples" / "0002_truth.png")
    with pytest.raises(RunError, match=r"0002_truth\.png is a picture of mode RGB; masks are palette images"):
        written(masked)


def test_an_example_without_a_score(masked: Path) -> None:
    record = json.loads((masked / "examples.json").read_text(encoding="utf-8"))
    record[0] = {key: value for key, value in record[0].items() if key not in ("dice", "classes")}
    (masked / "examples.json").write_text(json.dumps(record), encoding="utf-8")
    assert "Dice —" in texts(paged(masked))


def test_errors_by_kind() -> None:
    truth = np.array([[0, 0, 1, 1], [1, 2, 255, 255]], dtype=np.uint8)
    predicted = np.array([[0, 1, 0, 2], [1, 2, 0, 1]], dtype=np.uint8)
    assert masks.errors(truth, predicted, 0).tolist() == [
        [masks.RIGHT, masks.FALSE, masks.MISSED, masks.WRONG],
        [masks.RIGHT, masks.RIGHT, masks.IGNORED, masks.IGNORED],
    ]
    assert masks.errors(truth, predicted, None).tolist() == [
        [masks.RIGHT, masks.WRONG, masks.WRONG, masks.WRONG],
        [masks.RIGHT, masks.RIGHT, masks.IGNORED, masks.IGNORED],
    ]


def test_each_kind_of_error_has_its_own_pattern() -> None:
    def colours(kind: int) -> set[tuple[int, ...]]:
        picture = masks.error_picture(np.full((12, 12), kind, dtype=np.uint8)).convert("RGBA")
        return {colour for _, colour in picture.getcolors() or []}

    assert colours(masks.RIGHT) == {(255, 255, 255, 0)}
    assert colours(masks.MISSED) == {(*masks.rgb(masks.MISSED_COLOUR), 255)}
    others = [colours(kind) for kind in (masks.FALSE, masks.WRONG, masks.IGNORED)]
    assert [len(found) for found in others] == [2, 2, 2]
    assert len(set.union(*others)) == 6


def test_masks_of_the_page_show_the_stored_classes(cells: Path) -> None:
    card = gallery(cells).cards[0]
    assert isinstance(card, MaskCard)
    record = json.loads((cells / "examples.json").read_text(encoding="utf-8"))[4]  # the first random one
    stored = np.asarray(Image.open(cells / record["truth"]))
    source = re.findall(r'class="layer" src="data:image/png;base64,([^"]+)"', paged(cells))[0]
    with Image.open(io.BytesIO(base64.b64decode(source))) as image:
        assert image.mode == "P"
        pixels = np.asarray(image.convert("RGBA"))
    assert (pixels[..., 3] == 0).tolist() == (stored == 0).tolist()  # the background lets the photo through
    assert {tuple(pixel) for pixel in pixels[stored == 1]} == {(67, 131, 29, 255)}  # the palette of the file
    assert card.tags == ["background", "nucleus"]


def test_what_does_not_count_is_hatched(masked: Path) -> None:
    colours = masks.class_colours(read_run(masked))
    assert colours is not None
    labels = np.full((12, 12), IGNORED, dtype=np.uint8)
    labels[0] = 1
    lined = masks.hatched(labels, colours)
    assert (lined[0] == 1).all()
    assert len(np.unique(lined[1:])) == 2


def test_a_palette_that_is_too_short(masked: Path) -> None:
    data = data_of(masked) | {"palette": [[1, 2, 3]]}
    change(masked, data=data)
    colours = masks.class_colours(read_run(masked))
    assert colours is not None
    assert colours[0].tolist() == [1, 2, 3]
    assert len({tuple(colour) for colour in colours[:5]}) == 5


def test_the_legend_names_what_occurs(cells: Path, scenes: Path) -> None:
    assert [item.label for item in gallery(cells).legend] == ["background", "nucleus", "missed object", "false object"]
    labels = [item.label for item in gallery(scenes).legend]
    assert labels[-2:] == ["wrong class", "ignored"]
    assert labels[0] == "sky"


def test_photos_of_the_page_are_as_large_as_their_masks(scenes: Path) -> None:
    page = paged(scenes)
    assert len(page) < 1_500_000
    photos = re.findall(r'class="photo" src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(photos) == 12
    with Image.open(io.BytesIO(base64.b64decode(photos[0]))) as image:
        assert image.size == (480, 360)


@pytest.mark.parametrize("count", [5, 10])
def test_as_many_examples_as_asked_for(scenes: Path, count: int) -> None:
    assert f"![{count}{SPACE}images with the true mask" in written(scenes, ReportSettings(examples=count))
