"""The whole report, from a folder to its two pages."""

import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vyvod.data.datasets import camvid, nuclei, nuclei_boxes, trees
from vyvod.errors import RunError
from vyvod.report import html, readme
from vyvod.report.reading import read_run
from vyvod.report.report import write_report
from vyvod.report.sections import document
from vyvod.report.settings import ReportSettings
from vyvod.report.text import Words

EN, RU = ReportSettings(), ReportSettings(language="ru")
FIGURES = {"loss", "metrics", "learning_rate", "class_balance", "examples", "per_class", "confusion", "reliability"}
Copied = Callable[..., Path]


class Page(HTMLParser):
    """Tags of a page, and its text without scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)


def change(folder: Path, **changes: object) -> None:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(record | changes), encoding="utf-8")


def written(folder: Path, settings: ReportSettings = EN) -> str:
    """README.md alone, without its pictures: they cost a second."""
    return readme.render(document(read_run(folder), settings), Words(settings.language))


def paged(folder: Path, settings: ReportSettings = EN) -> str:
    """report.html alone."""
    return html.render(document(read_run(folder), settings), Words(settings.language))


def texts(page: str) -> str:
    return " ".join(" ".join(Page(page).words).split())


def digests(folder: Path) -> dict[str, str]:
    made = [folder / "README.md", folder / "report.html", *sorted((folder / "figures").glob("*.png"))]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.fixture(scope="module")
def english(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil

    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("en") / "fashion-plain"))
    write_report(folder, EN)
    return folder


@pytest.fixture(scope="module")
def many(hundred: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil

    folder = Path(shutil.copytree(hundred, tmp_path_factory.mktemp("many") / "hundred"))
    write_report(folder, EN)
    return folder


def test_sections_stand_in_the_agreed_order(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert headings == [
        "The task",
        "The data set",
        "Training",
        "Examples",
        "Scores",
        "Scores of each class",
        "Confusion matrix",
        "Calibration",
        "Cost",
        "How to repeat",
        "Settings",
        "History",
    ]


def test_numbers_are_those_of_the_scores(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    page = texts((english / "report.html").read_text(encoding="utf-8"))
    scores = json.loads((english / "scores.json").read_text(encoding="utf-8"))
    rows = {
        cells[0]: cells[1:] for cells in (line.strip("| ").split(" | ") for line in text.splitlines()) if len(cells) > 2
    }
    for name, label in (
        ("accuracy", "accuracy"),
        ("precision", "macro precision"),
        ("recall", "macro recall"),
        ("top5", "top-5 accuracy"),
    ):
        assert rows[label] == [f"{scores[split]['overall'][name]:.4f}" for split in ("val", "test")]
    headline = scores["test"]["overall"]["f1"]
    assert f"reaches macro F1 **{headline:.4f}** on 500\u00a0images of the test split" in text
    assert f"{headline:.4f} on 500 images of the test split" in page
    f1 = scores["test"]["per_class"]["f1"]
    for place, name in enumerate(json.loads((english / "run.json").read_text(encoding="utf-8"))["data"]["classes"]):
        assert rows[str(place + 1)][0] == name
        assert rows[str(place + 1)][3:] == [f"{f1[place]:.3f}", "50"]


def test_figures_are_there_sharp_and_small(english: Path, many: Path) -> None:
    for folder in (english, many):
        files = {path.stem: path for path in (folder / "figures").iterdir()}
        assert set(files) == FIGURES
        for path in files.values():
            assert path.stat().st_size < 200_000, path.name
            with Image.open(path) as image:
                assert image.width == pytest.approx(1600, abs=2)
                assert "Software" not in image.info


def test_pictures_of_the_readme_exist_and_say_what_they_show(english: Path) -> None:
    pictures = re.findall(r"!\[(.*)\]\((.*)\)", (english / "README.md").read_text(encoding="utf-8"))
    assert {path for _, path in pictures} == {f"figures/{name}.png" for name in FIGURES}
    assert all(alt and (english / path).is_file() for alt, path in pictures)


@pytest.mark.parametrize("count", [5, 8, 10])
def test_as_many_examples_as_asked_for(finished: Path, copied: Copied, count: int) -> None:
    assert f"{count}\u00a0images with the network" in written(copied(finished), ReportSettings(examples=count))


def test_the_splits_and_what_they_are_for(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    assert (
        "| val: chooses the checkpoint | 200 | 20 | 20 | carved out of “train”: 10%, stratified by class, seed 0 |"
        in text
    )
    assert "| test: used once, for the report | 500 | 50 | 50 | official split “test” |" in text


def test_what_is_needed_to_repeat_it(english: Path) -> None:
    text = (english / "README.md").read_text(encoding="utf-8")
    for part in (
        "vyvod train data=fashion-mnist-mini model=plain training.epochs=12",
        "fashion-plain/settings.yaml",
        "`4b3fa8b2d0c1e5f7`",
        "`0a5c3f09d1b2e470`",
        "`2.15.0`",
        "| seed | 0 |",
    ):
        assert part in text
    assert str(english) not in text


def test_russian(finished: Path, copied: Copied) -> None:
    folder = copied(finished)
    text, page = written(folder, RU), paged(folder, RU)
    scores = json.loads((finished / "scores.json").read_text(encoding="utf-8"))
    value = f"{scores['test']['overall']['f1']:.4f}".replace(".", ",")
    assert f"показывает F1 (macro) = **{value}** на 500\u00a0изображениях тестовой выборки датасета" in text
    for word in (
        "## Матрица ошибок",
        "Функция потерь",
        "Метрики на валидации",
        "12\u00a0эпох за 28,8\u00a0с",
        "точность (precision)",
        "полнота (recall)",
    ):
        assert word in text
    assert '<html lang="ru"' in page
    assert not re.search(r"\b0\.\d", texts(page).replace("0.1.0", ""))


def test_same_folder_same_bytes(english: Path, finished: Path, copied: Copied) -> None:
    again = copied(finished, "again/fashion-plain")
    write_report(again, EN)
    assert digests(english) == digests(again)


def test_names_that_would_be_code(many: Path) -> None:
    text = (many / "README.md").read_text(encoding="utf-8")
    source = (many / "report.html").read_text(encoding="utf-8")
    page = Page(source)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    for name in json.loads((many / "run.json").read_text(encoding="utf-8"))["data"]["classes"]:
        assert " ".join(name.split()) in " ".join(" ".join(page.words).split())
    assert "<script" not in text
    assert "<img" not in text
    assert r"\`backtick\`" in text
    table = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(table) == 100
    assert {line.count("|") for line in table} == {7}


def test_nothing_is_loaded_from_anywhere(english: Path, many: Path) -> None:
    for folder in (english, many):
        page = Page((folder / "report.html").read_text(encoding="utf-8"))
        for tag, attributes in page.tags:
            for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                value = attributes.get(name) or ""
                allowed = ("#", "data:") if tag != "a" else ("#", "https://github.com/zalandoresearch")
                assert not value or value.startswith(allowed), (tag, name, value)
        policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv"))
        assert policy is not None
        assert policy.startswith("default-src 'none'")


def test_ids_of_the_figures_do_not_collide(english: Path) -> None:
    ids = re.findall(r'\bid="([^"]+)"', (english / "report.html").read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_figures_take_the_colours_of_the_page(english: Path) -> None:
    figures = re.findall(
        r"<svg viewBox.*?</svg>", (english / "report.html").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert len(figures) == 8  # seven figures and the sign on the button
    assert not any(re.search(r"#[0-9a-f]{6}\b", figure) for figure in figures)


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_unfinished_before_the_evaluation(run: Path, status: str) -> None:
    (run / "scores.json").unlink()
    (run / "examples.json").unlink()
    for split in ("val", "test"):
        (run / "per_image" / f"{split}.npz").unlink()
    change(run, status=status, error="The loss is not finite at step 12.", ended=None)
    text, page = written(run), paged(run)
    assert "> [!WARNING]\n> This run is not finished" in text
    assert "The loss is not finite at step 12." in text
    assert "on 200\u00a0images of the val split" in text
    assert "The test split has not been evaluated." in text
    assert "The run folder holds no examples." in text
    assert 'class="note warning"' in page
    assert ("vyvod train --resume" in text) == (status == "interrupted")


def test_nothing_but_run_json(run: Path) -> None:
    for path in [*run.rglob("*.*")]:
        if path.is_file() and path.name != "run.json":
            path.unlink()
    change(run, status="running", git=None, history=[], best_epoch=None)
    text = written(run, RU)
    assert "значений метрик пока нет" in text
    assert "обучение ещё идёт" in text
    assert "## Обучение" not in text


def test_one_epoch(run: Path) -> None:
    path = run / "metrics.csv"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:2]) + "\n", encoding="utf-8")
    change(run, best_epoch=1, epochs=1)
    text = written(run, RU)
    assert "1\u00a0эпоха за" in text
    assert "для кривой нужно не меньше 2 эпох" in text
    assert "figures/loss.png" in text
    assert "figures/learning_rate.png" not in text


def test_weights_that_were_only_evaluated(run: Path) -> None:
    (run / "metrics.csv").unlink()
    weights = {"source": "resnet20.th", "loaded": 65, "not_loaded": ["head.weight"]}
    change(run, epochs=0, best_epoch=None, timings={})
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    change(run, model=record["model"] | {"weights": weights, "macs": None})
    text = written(run)
    assert "Nothing was trained in this run" in text
    assert (
        "starts from `resnet20.th`: 65\u00a0tensors loaded, 1\u00a0tensor not loaded and initialised anew (head.weight)."
        in text
    )
    assert "## Training" not in text


def test_weights_that_fit_as_a_whole(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    change(run, model=record["model"] | {"weights": {"source": "resnet20.th", "loaded": 66, "not_loaded": []}})
    assert "starts from `resnet20.th`: 66\u00a0tensors loaded.\n" in written(run)


@pytest.mark.parametrize(
    ("settings", "limited"),
    [
        ("data: {limit: 200}", True), ("data: {limit: null}", False), ("data: [1]", False), ("data: {limit: x}", False),
        ("{", False), ("", False),
    ],
)  # fmt: skip
def test_a_split_that_was_cut(run: Path, settings: str, limited: bool) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for name, images in (("train", 200), ("val", 199), ("test", 200)):
        record["data"]["splits"][name]["images"] = images
    change(run, data=record["data"])
    (run / "settings.yaml").write_text(settings, encoding="utf-8")
    lines = [
        line
        for line in written(run).splitlines()
        if "; at most 200\u00a0images of it were taken (data.limit) |" in line
    ]
    # The third split, val, is smaller than the limit, and so whole.
    assert [line.split()[1] for line in lines] == (["train:", "test:"] if limited else [])


def test_words_of_the_data_sets_of_this_program(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    data = record["data"] | {"licence": nuclei.CARD.licence, "notes": [nuclei.NOTE, "A note of someone’s own file."]}
    change(run, data=data)
    text = written(run, RU)
    assert "- Все 16 фрагментов вырезаны из одного снимка:" in text
    assert "Лицензия: изображения CC0 1.0; разметка BSD 3-clause" in text
    assert "- A note of someone’s own file." in text
    assert nuclei.NOTE in written(run)


@pytest.mark.parametrize("said", [
    nuclei.NOTE, nuclei.CARD.licence, nuclei_boxes.NOTE, nuclei_boxes.CARD.licence, trees.NOTE, trees.CARD.licence,
    camvid._NO_TEST, camvid._NO_VAL,
])  # fmt: skip
def test_the_russian_words_follow_those_of_the_data_sets(said: str) -> None:
    assert Words("ru").note(said) != said


def test_errors_are_not_said_to_be_all_in_the_table(run: Path) -> None:
    assert "![Матрица ошибок на test. Самые частые ошибки приведены в таблице ниже.]" in written(run, RU)
    path = run / "per_image" / "test.npz"
    with np.load(path) as stored:
        rows = dict(stored)
    np.savez(path, **rows | {"predicted": rows["label"]})
    assert "![Confusion matrix on test. There are no errors.]" in written(run)


def test_undefined_values_are_a_dash(run: Path) -> None:
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    scores["test"]["overall"]["top5"] = None
    for name in ("f1", "precision", "recall"):
        scores["test"]["per_class"][name][3] = None
    (run / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    text, page = written(run), paged(run)
    assert "| 4 | Dress | — | — | — |" in text
    assert "— stands for a value that is undefined" in text
    assert re.search(r"\| top-5 accuracy \| \d\.\d{4} \| — \|", text)
    assert "nan" not in text
    assert ">nan<" not in page


def test_all_metrics_undefined(run: Path) -> None:
    path = run / "metrics.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    columns = lines[0].split(",")
    rows = [
        ",".join("" if name.startswith("val_") else cell for name, cell in zip(columns, line.split(","), strict=True))
        for line in lines[1:]
    ]
    path.write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    change(run, best_epoch=None)
    assert "## Training" in written(run)


def test_findings_of_the_audit(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    audit = {
        "unreadable": [{"id": "a.jpg", "problem": "truncated"}],
        "modes": {"RGB": 90, "L": 2, "CMYK": 1},
        "duplicates": [
            {"splits": ["train", "train"], "exact": 4, "near": 0, "label_conflicts": 1, "examples": []},
            {"splits": ["train", "test"], "exact": 3, "near": 2, "label_conflicts": 0, "examples": []},
        ],
    }
    change(run, data=record["data"] | {"audit": audit, "skipped": [f"x/{n}.jpg" for n in range(8)]})
    text = written(run)
    assert (
        "> [!WARNING]\n> The audit of the images found: unreadable images: 1; exact copies shared by train and test: 3; "
        "near copies shared by train and test: 2; exact copies within train: 4; copies with different classes: 1; "
        "images of mode L: 2; images of mode CMYK: 1." in text
    )
    assert "make the values of the report look better than they are" in text
    assert (
        "8\u00a0files could not be read and were left out: x/0.jpg, x/1.jpg, x/2.jpg, x/3.jpg, x/4.jpg and 3 more."
        in text
    )
    change(run, data=record["data"] | {"audit": {"near_checked": True}})
    assert (
        "found no problems (checked: unreadable images, files that may be no proper image, exact copies, near"
        in written(run)
    )
    change(run, data=record["data"] | {"audit": None})
    assert "were not audited in this run; `vyvod data check data=fashion-mnist-mini` does it" in written(run)


def test_uncommitted_changes_and_history(run: Path) -> None:
    history = [
        {"event": "started", "time": "2026-11-23T19:00:00+00:00", "epoch": 0},
        {"event": "resumed", "time": None, "epoch": 2},
        {"event": "moved"},
    ]
    change(run, git={"commit": "abc", "dirty": True}, history=history)
    text = written(run)
    assert "The code had uncommitted changes" in text
    assert "| resumed | — | 2 |" in text
    assert "| moved | — | — |" in text


def test_no_errors_at_all(run: Path) -> None:
    import numpy as np

    path = run / "per_image" / "test.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **arrays | {"predicted": arrays["label"]})
    text = written(run)
    assert "No errors on 300\u00a0images." in text
    assert "100.0%" in text


def test_title_and_author(run: Path) -> None:
    settings = ReportSettings(title="My <first> net", author="A. Student")
    text, page = written(run, settings), paged(run, settings)
    assert text.startswith("# My &lt;first&gt; net\n\nA. Student · run fashion-plain")
    assert "<title>My &lt;first&gt; net</title>" in page


def test_a_missing_and_a_broken_image(run: Path) -> None:
    (run / "examples" / "0001.png").unlink()
    assert "1\u00a0file of the gallery could not be found" in written(run)
    (run / "examples" / "0000.png").write_bytes(b"no image")
    with pytest.raises(RunError, match=r"0000\.png cannot be decoded"):
        write_report(run, EN)


def test_another_task(run: Path) -> None:
    change(run, task="pose")
    with pytest.raises(RunError, match=r"task 'pose'; reports exist for classification"):
        write_report(run, EN)


def test_photos_are_made_smaller_in_the_page(run: Path) -> None:
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(run / "examples" / "0000.png")
    page = paged(run)
    sources = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(sources) == 1
    import base64

    with Image.open(io.BytesIO(base64.b64decode(sources[0]))) as image:
        assert image.size == (320, 240)


def test_neither_torch_nor_pyplot_is_loaded() -> None:
    code = "import sys, vyvod.report.report; print(sorted({'torch', 'matplotlib.pyplot', 'torchvision'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
