"""``vyvod coursework homework``: what lies on the branch, what survives, and that a failure changes nothing."""

import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.coursework.begun import WHO, add_run, git, homework, identity, refs, start, train_experiment
from tests.report.detections import make_detection_run, squares
from tests.report.masks import make_segmentation_run, patchwork

from vyvod.coursework import contents
from vyvod.coursework.homework import homeworks_of
from vyvod.coursework.records import parse_homework
from vyvod.coursework.worktree import Worktree, WorktreeError
from vyvod.errors import UserError
from vyvod.experiment.settings import read_settings
from vyvod.report.experiment.own import END, START


@pytest.fixture(autouse=True)
def _who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    identity(monkeypatch, tmp_path)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the drawing of figures."""
    monkeypatch.setattr("vyvod.coursework.homework.draw", lambda _: {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "моя курсовая"
    start(made)
    return made


@pytest.fixture
def ready(folder: Path, finished_run: Path) -> Path:
    """With a finished run."""
    add_run(folder, finished_run)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and its runs."""
    parent = tmp_path_factory.mktemp("trained")
    folder = train_experiment(parent)
    text = f"# Old\n\n{START}\nМой **вывод**: ![рисунок](figures/difference.png)\n{END}\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
    (folder / "figures").mkdir(exist_ok=True)
    Image.new("RGB", (8, 8), "red").save(folder / "figures" / "difference.png")
    return parent


def _readme(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def _add_experiment(folder: Path, trained: Path) -> None:
    shutil.copytree(trained / "runs", folder / "runs", dirs_exist_ok=True)
    shutil.copytree(trained / "experiments", folder / "experiments", dirs_exist_ok=True)


def _own(folder: Path, text: str) -> None:
    changed = re.sub(rf"{START}.*?{END}", lambda _: f"{START}\n{text}\n{END}", _readme(folder), flags=re.DOTALL)
    (folder / "README.md").write_text(changed, encoding="utf-8")
    git(folder, "commit", "-qam", "my own words")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_first_homework(tmp_path: Path, finished_run: Path, language: str) -> None:
    folder = tmp_path / "c w"
    start(folder, replace(WHO, language=language))
    add_run(folder, finished_run)
    told = homework(folder)
    assert git(folder, "branch", "--show-current") == "homework_1"
    assert git(folder, "status", "--porcelain") == ""
    names = set(git(folder, "ls-files").splitlines())
    assert {"README.md", "homework.yaml", "requirements.txt", "train.py", "homework_1.ipynb"} <= names
    assert {f"results/plain/{name}" for name in ("run.json", "settings.yaml", "metrics.csv", "per_class.csv")} <= names
    assert {f"results/plain/per_image/{split}.npz" for split in ("val", "test")} <= names
    text = _readme(folder)
    linked = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert {Path(path).stem for path in linked} >= {"loss", "metrics", "examples", "confusion"}
    for path in linked:
        with Image.open(folder / path) as picture:
            picture.verify()
        assert (folder / path).stat().st_size <= contents.LARGEST_PICTURE
    assert (folder / "requirements.txt").read_text(encoding="utf-8").count("\ntorch==") == 1
    assert any("commit" in sentence for sentence in told)
    record = parse_homework((folder / "homework.yaml").read_bytes(), "it")
    assert (record.number, record.runs, record.experiments) == (1, ("plain",), ())
    assert "[homework_1](../../tree/homework_1)" in git(folder, "show", "main:README.md")
    title = {"ru": "Обучение plain на Fashion-MNIST mini", "en": "Training plain on Fashion-MNIST mini"}[language]
    assert git(folder, "log", "-1", "--format=%s") == f"Homework 1: {title}"
    settings = read_settings(folder / "settings" / "plain.yaml")
    assert (settings.folder, settings.name, settings.data.limit) == (Path("runs"), None, 300)
    compile((folder / "train.py").read_text(encoding="utf-8"), "train.py", "exec")
    assert sum((folder / name).stat().st_size for name in names) < 2_000_000


@pytest.mark.usefixtures("_quick")
def test_numbers_in_the_tables_are_those_of_the_run(ready: Path) -> None:
    homework(ready)
    scores = json.loads((ready / "results/plain/scores.json").read_text(encoding="utf-8"))
    text = _readme(ready)
    head = re.search(r"<!-- vyvod: values run=plain kind=overall columns=val,test rows=(\S+) -->\n\n", text)
    assert head
    rows = text[head.end() :].split("\n\n")[0].splitlines()[2:]
    assert len(rows) == len(head[1].split(","))
    for key, row in zip(head[1].split(","), rows, strict=True):
        cells = [cell.strip(" *") for cell in row.strip("|").split("|")]
        for split, cell in zip(("val", "test"), cells[1:3], strict=True):
            assert float(cell.replace(",", ".")) == pytest.approx(scores[split]["overall"][key], abs=5.1e-5)
    classes = re.search(r"<!-- vyvod: values run=plain kind=per_class split=test columns=(\S+) -->\n\n", text)
    assert classes
    assert classes[1] == "precision,recall,f1,support"
    for place, row in enumerate(text[classes.end() :].split("\n\n")[0].splitlines()[2:]):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        for key, cell in zip(classes[1].split(","), cells[1:], strict=True):
            assert float(cell.replace(",", ".")) == pytest.approx(scores["test"]["per_class"][key][place], abs=5.1e-4)


def test_an_experiment_alone_with_its_runs(folder: Path, trained: Path) -> None:
    _add_experiment(folder, trained)
    homework(folder, title="Сглаживание меток")
    names = set(git(folder, "ls-files").splitlines())
    text = _readme(folder)
    assert text.startswith("# Домашнее задание 1. Сглаживание меток\n")
    parts = ["<!-- vyvod: experiment name=smoother -->", "#### Цель", "#### Идея", "#### Результаты"]
    parts += ["#### Сравнение с baseline", "#### Выводы", "Мой **вывод**"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "![рисунок](figures/smoother/difference.png)" in text
    for name in ("results/smoother/record.json", "results/smoother/results.json", "settings/smoother.yaml"):
        assert name in names
    record = parse_homework((folder / "homework.yaml").read_bytes(), "it")
    assert record.experiments == ("smoother",)
    runs = {name.split("/")[1] for name in names if name.endswith("/scores.json")}
    assert len(runs) == 6
    assert all(f"results/{name}/per_image/test.npz" in names for name in runs)
    assert record.runs[0] in runs  # the main result is one of the baseline's
    assert "baseline" in record.runs[0]
    # The file of the experiment holds its baseline, and is one that can be run.
    assert yaml.safe_load((folder / "settings/smoother.yaml").read_text(encoding="utf-8"))["baseline"]["model"]
    assert sum((folder / name).stat().st_size for name in names) < 3_000_000


@pytest.mark.usefixtures("_quick")
def test_own_text_and_own_files_survive_regeneration(ready: Path) -> None:
    homework(ready)
    _own(ready, "Мои выводы: **всё** хорошо.\n\n![мой](figures/мой рисунок.png)")
    (ready / "figures").mkdir(exist_ok=True)
    (ready / "figures" / "mine.png").write_bytes(b"mine")
    (ready / "анализ.py").write_text("print(1)\n", encoding="utf-8")
    (ready / "train.py").write_text("# my own training\n", encoding="utf-8")
    git(ready, "add", "-A")
    git(ready, "commit", "-qm", "mine")
    told = homework(ready, title="Новая тема")
    assert "Мои выводы: **всё** хорошо.\n\n![мой](figures/мой рисунок.png)" in _readme(ready)
    assert "Новая тема" in _readme(ready)
    assert (ready / "figures" / "mine.png").read_bytes() == b"mine"
    assert (ready / "анализ.py").is_file()
    assert (ready / "train.py").read_text(encoding="utf-8") == "# my own training\n"
    assert any("train.py is yours" in sentence for sentence in told)
    assert git(ready, "status", "--porcelain") == ""


@pytest.mark.usefixtures("_quick")
def test_from_another_branch_the_own_text_survives_too(ready: Path) -> None:
    homework(ready)
    _own(ready, "Мои выводы.")
    git(ready, "switch", "-q", "main")
    homework(ready, title="Иначе")
    assert "Мои выводы." in _readme(ready)
    assert git(ready, "branch", "--show-current") == "homework_1"


@pytest.mark.usefixtures("_quick")
def test_changes_outside_of_the_own_part_are_told_and_in_git(ready: Path) -> None:
    homework(ready)
    (ready / "README.md").write_text(_readme(ready).replace("## Задача", "## Моя задача"), encoding="utf-8")
    git(ready, "commit", "-qam", "mine")
    before = git(ready, "rev-parse", "--short=7", "HEAD")
    told = homework(ready)
    sentence = next(sentence for sentence in told if "outside of your own part" in sentence)
    assert f"git show {before}:README.md" in sentence
    assert "## Моя задача" in git(ready, "show", f"{before}:README.md")


@pytest.mark.usefixtures("_quick")
def test_the_same_again_commits_nothing(ready: Path) -> None:
    homework(ready)
    before = refs(ready)
    told = homework(ready)
    assert refs(ready) == before
    assert any("nothing has changed" in sentence for sentence in told)


@pytest.mark.usefixtures("_quick")
def test_stale_results_go(ready: Path, finished_run: Path) -> None:
    homework(ready)
    add_run(ready, finished_run, "другой-запуск")
    homework(ready, runs=["другой-запуск"])
    names = git(ready, "-c", "core.quotePath=false", "ls-files").splitlines()
    assert not [name for name in names if name.startswith(("results/plain", "settings/plain"))]
    assert "results/другой-запуск/scores.json" in names


@pytest.mark.usefixtures("_quick")
def test_the_second_on_top_of_the_first(ready: Path, trained: Path) -> None:
    homework(ready)
    _own(ready, "Выводы первого задания.")
    (ready / "mine.py").touch()
    git(ready, "add", "-A")
    git(ready, "commit", "-qm", "mine")
    first = git(ready, "rev-parse", "homework_1")
    _add_experiment(ready, trained)
    homework(ready, 2)
    record = parse_homework((ready / "homework.yaml").read_bytes(), "it")
    assert (record.number, record.experiments) == (2, ("smoother",))
    assert "plain" not in record.runs  # homework 1 has it
    assert git(ready, "rev-parse", "homework_1") == first
    assert "Выводы первого задания." not in _readme(ready)
    names = set(git(ready, "ls-files").splitlines())
    assert "mine.py" in names
    assert "homework_2.ipynb" in names
    assert not {name for name in names if name.startswith(("results/plain", "homework_1"))}
    assert [one.number for one in homeworks_of(ready)] == [1, 2]
    table = git(ready, "show", "main:README.md")
    assert table.index("homework_1") < table.index("homework_2")
    homework(ready, 1, title="Снова первое")
    assert "Выводы первого задания." in _readme(ready)


@pytest.mark.usefixtures("_quick")
def test_the_best_of_several_runs_by_val(ready: Path, finished_run: Path) -> None:
    better = add_run(ready, finished_run, "better")
    path = better / "scores.json"
    scores = json.loads(path.read_text(encoding="utf-8"))
    scores["val"]["overall"]["f1"], scores["test"]["overall"]["f1"] = 0.99, 0.01
    path.write_text(json.dumps(scores), encoding="utf-8")
    homework(ready)
    record = parse_homework((ready / "homework.yaml").read_bytes(), "it")
    assert record.result is not None
    assert record.result.run == "better"
    assert set(record.runs) == {"better", "plain"}
    assert "из 2 запусков он лучший на валидации" in _readme(ready).replace("\u00a0", " ")
    assert "### Другие запуски этого задания" in _readme(ready)


@pytest.mark.usefixtures("_quick")
def test_own_code_that_settings_name_is_handed_in(ready: Path) -> None:
    (ready / "my_net.py").write_text('TASKS = ("classification",)\n', encoding="utf-8")
    settings = ready / "runs" / "plain" / "settings.yaml"
    record = yaml.safe_load(settings.read_text(encoding="utf-8"))
    record["model"] = {"name": "./my_net.py"}
    record["data"]["root"] = str(ready / "data" / "снимки")
    settings.write_text(yaml.safe_dump(record), encoding="utf-8")
    homework(ready)
    handed = yaml.safe_load((ready / "settings" / "plain.yaml").read_text(encoding="utf-8"))
    assert handed["model"]["name"] == "./settings/my_net.py"
    assert handed["data"]["root"] == "data/снимки"
    assert (ready / "settings" / "my_net.py").is_file()
    assert (ready / "my_net.py").is_file()  # not under git, and still there


def _set(run: Path, **model: object) -> None:
    """Other settings of the model of a finished run."""
    settings = run / "settings.yaml"
    record = yaml.safe_load(settings.read_text(encoding="utf-8"))
    settings.write_text(yaml.safe_dump(record | {"model": model}), encoding="utf-8")


def _handed_in(folder: Path, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "settings" / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.usefixtures("_quick")
def test_own_files_of_one_name_are_all_handed_in(ready: Path, finished_run: Path) -> None:
    for place in ("one", "two", "three"):
        (ready / place).mkdir()
        text = f'TASKS = ("classification",)  # {place.replace("three", "one")}\n'
        (ready / place / "net.py").write_text(text, encoding="utf-8")
        _set(add_run(ready, finished_run, place), name=f"./{place}/net.py")
    homework(ready, runs=["one", "two", "three"])
    named = {place: _handed_in(ready, place)["model"]["name"] for place in ("one", "two", "three")}
    assert named == {"one": "./settings/net.py", "two": "./settings/net_2.py", "three": "./settings/net.py"}
    assert "# one" in (ready / named["one"]).read_text(encoding="utf-8")
    assert "# two" in (ready / named["two"]).read_text(encoding="utf-8")


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("inside", [True, False])
def test_weights_are_named_without_folders_of_this_machine(ready: Path, tmp_path: Path, inside: bool) -> None:
    _set(ready / "runs" / "plain", name="plain", weights=str((ready / "runs" if inside else tmp_path) / "моё начало"))
    homework(ready)
    path = "runs/моё начало" if inside else "моё начало"
    assert _handed_in(ready, "plain")["model"]["weights"] == path
    assert f"которых нет в репозитории: {path}." in _readme(ready)
    assert str(tmp_path) not in (ready / "homework_1.ipynb").read_text(encoding="utf-8")


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("inner", ["", "/checkpoints/best.safetensors"])
def test_the_run_that_weights_come_from_is_handed_in(ready: Path, finished_run: Path, inner: str) -> None:
    for name, begins in (("моё начало", None), ("второе", "runs/моё начало"), ("plain", f"{ready}/runs/второе{inner}")):
        _set(add_run(ready, finished_run, name), name="plain", weights=begins)
    homework(ready, runs=["plain"])
    weights = f"runs/второе{inner}"
    assert _handed_in(ready, "plain")["model"]["weights"] == weights
    second, first = _handed_in(ready, "второе"), _handed_in(ready, "моё-начало")
    assert (second["folder"], second["name"], second["model"]["weights"]) == ("runs", "второе", "runs/моё начало")
    assert (first["folder"], first["name"], first["model"]["weights"]) == ("runs", "моё начало", None)
    text = _readme(ready)
    assert "которых нет в репозитории" not in text
    assert f"Начальные веса `{weights}` в репозиторий не включены" in text
    assert "`settings/второе.yaml`" in text
    script = (ready / "train.py").read_text(encoding="utf-8")
    assert f'"{weights}": "settings/второе.yaml"' in script
    cells = {
        cell["id"]: "".join(cell["source"]) for cell in json.loads((ready / "homework_1.ipynb").read_text())["cells"]
    }
    assert yaml.safe_load(cells["first-settings-1"].partition("\n")[2])["name"] == "моё начало"
    assert yaml.safe_load(cells["first-settings-2"].partition("\n")[2])["model"]["weights"] == "runs/моё начало"
    assert cells["train"].index("first_1.yaml") < cells["train"].index("first_2.yaml") < cells["train"].index("RUN =")


@pytest.mark.usefixtures("_quick")
def test_a_homework_from_weights_is_repeated_from_what_is_handed_in(
    ready: Path, finished_run: Path, tmp_path: Path
) -> None:
    for name, begins in (("первый", None), ("plain", "runs/первый")):
        settings = add_run(ready, finished_run, name) / "settings.yaml"
        record = yaml.safe_load(settings.read_text(encoding="utf-8"))
        record["model"]["weights"] = begins
        record["training"] |= {"epochs": 1, "threads": 1}
        settings.write_text(yaml.safe_dump(record), encoding="utf-8")
    homework(ready, runs=["plain"])
    git(tmp_path, "clone", "-q", "-b", "homework_1", str(ready), "clone")
    words = [sys.executable, "train.py"]
    ended = subprocess.run(words, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    made = sorted(path.parent.name for path in (tmp_path / "clone" / "runs").glob("*/scores.json"))
    assert len(made) == 2
    assert "первый" in made
    wrong = subprocess.run(
        [*words, "settings/none.yaml"], cwd=tmp_path / "clone", capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert wrong.stderr == "Error: settings/none.yaml does not exist.\n"


@pytest.mark.usefixtures("_quick")
def test_how_experiments_are_repeated_is_said(folder: Path, trained: Path, finished_run: Path) -> None:
    _add_experiment(folder, trained)
    add_run(folder, finished_run, "near")
    file = folder / "experiments" / "smoother" / "experiment.yaml"
    record = yaml.safe_load(file.read_text(encoding="utf-8"))
    homework(folder, experiments=["smoother"])
    assert "\n```sh\nvyvod experiment settings/smoother.yaml\n```\n" in _readme(folder)
    assert "vyvod experiment settings/smoother.yaml" in (folder / "train.py").read_text(encoding="utf-8")
    record["changes"] = {"idea": {"model.weights": str(folder / "runs" / "near")}}
    file.write_text(yaml.safe_dump(record), encoding="utf-8")
    homework(folder, experiments=["smoother"])
    commands = "python train.py settings/near.yaml\nvyvod experiment settings/smoother.yaml"
    assert f"\n```sh\n{commands}\n```\n" in _readme(folder)
    assert _handed_in(folder, "near")["name"] == "near"


@pytest.mark.usefixtures("_quick")
def test_a_split_with_fewer_images_than_examples_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "cw"
    start(folder, replace(WHO, task="detection", data="trees", model="yolo5"))
    make_detection_run(folder / "runs" / "it", squares(5, 4), ("cell", "wall", "door", "never"), epochs=3)
    homework(folder)
    few = "test всего"
    record = json.loads((folder / "runs/it/run.json").read_text(encoding="utf-8"))
    shown = len(json.loads((folder / "runs/it/examples.json").read_text(encoding="utf-8")))
    assert (few in _readme(folder)) == (shown == record["data"]["splits"]["test"]["images"] < 5)
    record["data"]["splits"]["test"]["images"] = shown = 4
    (folder / "runs/it/run.json").write_text(json.dumps(record), encoding="utf-8")
    examples = json.loads((folder / "runs/it/examples.json").read_text(encoding="utf-8"))
    (folder / "runs/it/examples.json").write_text(json.dumps(examples[:shown]), encoding="utf-8")
    homework(folder)
    assert "В test всего 4 изображения: показаны все." in _readme(folder).replace("\u00a0", " ")


@pytest.mark.usefixtures("_quick")
def test_weights_that_are_handed_in_or_downloaded_are_not_missing(ready: Path) -> None:
    (ready / "начало.bin").write_bytes(b"small")
    git(ready, "add", "начало.bin")
    git(ready, "commit", "-qm", "weights")
    _set(ready / "runs" / "plain", name="plain", weights="начало.bin")
    homework(ready)
    assert _handed_in(ready, "plain")["model"]["weights"] == "начало.bin"
    assert "которых нет в репозитории" not in _readme(ready)
    _set(ready / "runs" / "plain", name="plain", weights="imagenet")
    homework(ready)
    assert _handed_in(ready, "plain")["model"]["weights"] == "imagenet"
    assert "которых нет в репозитории" not in _readme(ready)


@pytest.mark.usefixtures("_quick")
def test_weights_of_ideas_are_named_without_folders_of_this_machine(
    folder: Path, trained: Path, tmp_path: Path
) -> None:
    _add_experiment(folder, trained)
    file = folder / "experiments" / "smoother" / "experiment.yaml"
    record = yaml.safe_load(file.read_text(encoding="utf-8"))
    record["changes"] = {
        "far": {"model.weights": str(tmp_path / "far.pt")},
        "several": {"model.weights": {"grid": ["imagenet", str(folder / "runs" / "near"), "before/first"]}},
        "other": {"training.epochs": 2},
    }
    record["before"] = {"first": {"model": {"name": "plain", "weights": str(tmp_path / "first.pt")}}}
    file.write_text(yaml.safe_dump(record), encoding="utf-8")
    homework(folder)
    made = _handed_in(folder, "smoother")
    assert made["changes"] == {
        "far": {"model.weights": "far.pt"},
        "several": {"model.weights": {"grid": ["imagenet", "runs/near", "before/first"]}},
        "other": {"training.epochs": 2},
    }
    assert made["before"]["first"]["model"]["weights"] == "first.pt"
    assert "репозитории: first.pt, far.pt, runs/near." in _readme(folder)


@pytest.mark.usefixtures("_quick")
def test_large_files_are_left_out_and_named(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "LARGEST_FILE", 6000)
    told = homework(ready)
    assert not (ready / "results/plain/per_image/test.npz").exists()
    assert any("results/plain/per_image/test.npz" in sentence for sentence in told)
    assert "results/plain/per\\_image/test.npz" in _readme(ready) or "results/plain/per_image/test.npz" in _readme(
        ready
    )


@pytest.mark.usefixtures("_quick")
def test_versions_that_differ_between_runs_are_told(ready: Path, finished_run: Path) -> None:
    other = add_run(ready, finished_run, "zzz")
    path = other / "requirements.txt"
    path.write_text(
        re.sub(r"numpy==\S+", "numpy==1.0", path.read_text(encoding="utf-8")) + "extra==3\n", encoding="utf-8"
    )
    homework(ready)
    lines = (ready / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "numpy==1.0" not in lines
    assert "extra==3" in lines
    assert "(numpy)" in _readme(ready)


@pytest.mark.usefixtures("_quick")
def test_a_link_to_colab_where_the_repository_is_on_github(ready: Path) -> None:
    git(ready, "remote", "add", "origin", "https://token@github.com/ivan/kursovaya.git")
    homework(ready)
    assert "https://colab.research.google.com/github/ivan/kursovaya/blob/homework_1/homework_1.ipynb" in _readme(ready)
    assert "token" not in _readme(ready) + (ready / "homework_1.ipynb").read_text(encoding="utf-8")


def test_a_picture_that_is_too_large_is_made_smaller() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    small = contents.smaller(buffer.getvalue())
    assert len(small) <= contents.LARGEST_PICTURE < len(buffer.getvalue())
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.width > 300
    assert contents.smaller(b"no picture" * 100_000) == b"no picture" * 100_000


def test_what_is_transparent_becomes_white() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 4), dtype=np.uint8)
    noise[:100, :, 3] = 0
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    with Image.open(io.BytesIO(contents.smaller(buffer.getvalue()))) as picture:
        assert min(picture.convert("RGB").getpixel((picture.width // 2, 10))) > 240


@pytest.mark.usefixtures("_quick")
def test_a_branch_made_by_hand_from_another_homework(ready: Path, finished_run: Path) -> None:
    homework(ready)
    _own(ready, "Выводы первого задания.")
    git(ready, "switch", "-q", "-c", "homework_2")
    add_run(ready, finished_run, "second")
    homework(ready, 2)
    assert "Выводы первого задания." not in _readme(ready)  # these are of homework 1


@pytest.mark.usefixtures("_quick")
def test_conclusions_on_a_branch_made_by_hand_stay(ready: Path, finished_run: Path) -> None:
    homework(ready)
    git(ready, "switch", "-q", "-c", "homework_2")
    _own(ready, "Выводы второго задания.")
    (ready / "README.md").write_text(_readme(ready).replace("## Задача", "## Моя задача"), encoding="utf-8")
    git(ready, "commit", "-qam", "mine")
    add_run(ready, finished_run, "second")
    told = homework(ready, 2)
    assert "Выводы второго задания." in _readme(ready)
    assert any("README.md outside of your own part" in sentence for sentence in told)
    homework(ready, 2, title="Ещё раз")
    assert "Выводы второго задания." in _readme(ready)


@pytest.mark.usefixtures("_quick")
def test_conclusions_of_the_first_that_changed_since_are_not_those_of_the_second(
    ready: Path, finished_run: Path
) -> None:
    homework(ready)
    _own(ready, "Выводы первого задания.")
    git(ready, "branch", "homework_2")
    _own(ready, "Лучшие выводы.")
    git(ready, "switch", "-q", "homework_2")
    add_run(ready, finished_run, "second")
    homework(ready, 2)
    assert "Выводы первого задания." not in _readme(ready)


def test_files_of_the_student_that_are_written_over_are_told(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vyvod.coursework.homework.draw", lambda _: {"figures/plain/loss.png": b"ours"})
    for name in ("figures/plain/loss.png", "settings/plain.yaml"):
        (ready / name).parent.mkdir(parents=True)
        (ready / name).write_bytes(b"mine")
    git(ready, "add", "figures", "settings")
    git(ready, "commit", "-qm", "mine")
    base = git(ready, "rev-parse", "--short=7", "HEAD")
    sentence = next(sentence for sentence in homework(ready) if "git show" in sentence)
    assert "settings/plain.yaml, figures/plain/loss.png." in sentence
    assert git(ready, "show", f"{base}:settings/plain.yaml") == "mine"
    assert "requirements.txt" not in sentence
    assert not any("git show" in sentence for sentence in homework(ready, title="Иначе"))


# What is refused: nothing has changed afterwards


def _refused(folder: Path, match: str, **changes: Any) -> None:
    before, files = refs(folder), git(folder, "status", "--porcelain", "--ignored")
    with pytest.raises(UserError, match=match) as refused:
        homework(folder, **changes)
    assert "\n" not in str(refused.value)
    assert refs(folder) == before
    assert git(folder, "status", "--porcelain", "--ignored") == files


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="vyvod coursework init"):
        homework(tmp_path)


def test_no_coursework(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    _refused(tmp_path, "coursework.yaml does not exist")


def test_no_run(folder: Path) -> None:
    _refused(folder, r"vyvod train baseline\.yaml")


def test_runs_that_are_not_finished_or_not_there(ready: Path) -> None:
    path = ready / "runs" / "plain" / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "status": "interrupted"}), encoding="utf-8")
    _refused(ready, "vyvod train --resume", runs=["plain"])
    _refused(ready, "Did you mean 'plain'", runs=["plian"])
    _refused(ready, "There is no experiment 'x'", experiments=["x"])
    _refused(ready, "no finished run")
    path.write_text("{", encoding="utf-8")
    _refused(ready, "not readable JSON", runs=["plain"])


@pytest.mark.usefixtures("_quick")
def test_two_that_would_be_stored_in_one_place(folder: Path, trained: Path, finished_run: Path, tmp_path: Path) -> None:
    _add_experiment(folder, trained)
    add_run(folder, finished_run, "Smoother")
    _refused(folder, "runs/Smoother and .*experiments/smoother would both be stored as smoother")
    add_run(folder, finished_run, "a b")
    add_run(tmp_path / "elsewhere", finished_run, "a-b")
    _refused(folder, "would both be stored as a-b", runs=["a b", str(tmp_path / "elsewhere" / "runs" / "a-b")])
    homework(folder, runs=["a b"], experiments=["smoother"])
    assert (folder / "results" / "a-b").is_dir()


def test_an_experiment_that_is_not_finished(folder: Path, trained: Path) -> None:
    _add_experiment(folder, trained)
    place = folder / "experiments" / "smoother"
    (place / "results.json").unlink()
    path = place / "record.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "command": "vyvod experiment 'my drop.yaml' --jobs 2"}), encoding="utf-8")
    _refused(folder, r"begun with: vyvod experiment 'my drop\.yaml' --jobs 2$", experiments=["smoother"])
    path.write_text(json.dumps({**record, "command": ""}), encoding="utf-8")
    _refused(folder, "vyvod experiment FILE", experiments=["smoother"])


def test_detached_head(ready: Path) -> None:
    git(ready, "checkout", "-q", "--detach")
    _refused(ready, "detached")


def test_no_identity(ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity(monkeypatch, tmp_path, known=False)
    _refused(ready, r"user\.name")


def test_a_branch_of_somebody_else(ready: Path) -> None:
    git(ready, "switch", "-q", "-c", "homework_1")
    (ready / "README.md").write_text("Мой README\n", encoding="utf-8")
    git(ready, "commit", "-qam", "mine")
    git(ready, "switch", "-q", "main")
    _refused(ready, "git branch -m homework_1 homework_1_old")


def test_one_mark_of_the_own_part_lost(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vyvod.coursework.homework.draw", lambda _: {})
    homework(ready)
    (ready / "README.md").write_text(_readme(ready).replace(END, ""), encoding="utf-8")
    git(ready, "commit", "-qam", "mine")
    _refused(ready, "README.md of homework_1 has lost one of the lines")


@pytest.mark.usefixtures("_quick")
def test_changes_are_refused_or_put_aside(ready: Path) -> None:
    (ready / "baseline.yaml").write_text("data: {name: cifar10}\n", encoding="utf-8")
    (ready / "новый файл.txt").write_text("new", encoding="utf-8")
    _refused(ready, "--stash")
    told = homework(ready, stash=True)
    assert any("git switch main, then git stash pop" in sentence for sentence in told)
    assert any("baseline.yaml is put aside" in sentence for sentence in told)
    assert (ready / "новый файл.txt").read_text(encoding="utf-8") == "new"  # in nobody's way
    git(ready, "switch", "-q", "main")
    git(ready, "stash", "pop", "-q")
    assert (ready / "baseline.yaml").read_text(encoding="utf-8") == "data: {name: cifar10}\n"
    assert (ready / "новый файл.txt").read_text(encoding="utf-8") == "new"


@pytest.mark.usefixtures("_quick")
def test_a_file_that_git_does_not_know_is_not_overwritten(ready: Path) -> None:
    (ready / "train.py").write_text("mine", encoding="utf-8")
    _refused(ready, "train.py is not under git")
    assert (ready / "train.py").read_text(encoding="utf-8") == "mine"
    homework(ready, stash=True)
    git(ready, "switch", "-q", "main")
    git(ready, "stash", "pop", "-q")
    assert (ready / "train.py").read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("stash", [False, True])
def test_nothing_is_lost_when_it_fails_midway(ready: Path, monkeypatch: pytest.MonkeyPatch, stash: bool) -> None:
    if stash:
        (ready / "baseline.yaml").write_text("changed: 1\n", encoding="utf-8")

    def fail(*_: object) -> None:
        raise WorktreeError("The disk is full.")

    monkeypatch.setattr(Worktree, "go", fail)
    _refused(ready, "disk is full", stash=stash)
    assert git(ready, "stash", "list") == ""


def test_a_failure_while_drawing(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise UserError("No figure.")

    monkeypatch.setattr("vyvod.coursework.homework.draw", fail)
    _refused(ready, "No figure")


@pytest.mark.usefixtures("_quick")
def test_a_readme_of_main_without_the_part_is_left_alone(ready: Path) -> None:
    (ready / "README.md").write_text("Только моё.\n", encoding="utf-8")
    git(ready, "commit", "-qam", "mine")
    told = homework(ready)
    assert git(ready, "show", "main:README.md") == "Только моё."
    assert any("table of homeworks was not written" in sentence for sentence in told)


@pytest.mark.usefixtures("_quick")
def test_main_that_is_checked_out_elsewhere_is_left_alone(ready: Path, tmp_path: Path) -> None:
    git(ready, "switch", "-q", "-c", "work")
    git(ready, "worktree", "add", "-q", str(tmp_path / "other"), "main")
    told = homework(ready)
    assert any("another work tree" in sentence for sentence in told)
    assert git(tmp_path / "other", "status", "--porcelain") == ""


@pytest.mark.usefixtures("_quick")
def test_a_clone_goes_on_with_the_branch_of_its_origin(ready: Path, tmp_path: Path) -> None:
    homework(ready)
    _own(ready, "Из другого места.")
    git(tmp_path, "clone", "-q", "-b", "main", str(ready), "clone")
    clone = tmp_path / "clone"
    shutil.copytree(ready / "runs", clone / "runs")
    homework(clone, title="Снова")
    assert "Из другого места." in _readme(clone)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("task", "overall", "classes"),
    [
        ("segmentation", {"precision", "recall", "f1", "dice"}, {"precision", "recall", "f1", "dice"}),
        ("detection", {"precision", "recall", "map50", "map"}, {"precision", "recall", "f1"}),
    ],
)
def test_the_metrics_that_the_other_tasks_need(tmp_path: Path, task: str, overall: set[str], classes: set[str]) -> None:
    folder = tmp_path / "cw"
    data, model = {"segmentation": ("nuclei", "unet"), "detection": ("trees", "yolo5")}[task]
    start(folder, replace(WHO, task=task, data=data, model=model, language="en"))
    names = ("cell", "wall", "door", "never", "nowhere")
    if task == "segmentation":
        make_segmentation_run(folder / "runs" / "it", patchwork(5, 5, 32), names, palette=None, epochs=3)
    else:
        make_detection_run(folder / "runs" / "it", squares(5, 4), names[:4], epochs=3)
    homework(folder)
    text = _readme(folder)
    rows = re.search(r"kind=overall columns=val,test rows=(\S+)", text)
    columns = re.search(r"kind=per_class split=test columns=(\S+)", text)
    assert rows
    assert columns
    assert overall <= set(rows[1].split(","))
    assert classes <= set(columns[1].split(","))
    table = text[columns.end() :].split("\n\n")[1]
    unit = {"segmentation": "pixels (support)", "detection": "objects (support)"}[task]
    assert unit in table.splitlines()[0]
    assert len(table.splitlines()) == 2 + (5 if task == "segmentation" else 4)
    assert len(table.splitlines()[0].strip("|").split("|")) == 1 + len(columns[1].split(","))
