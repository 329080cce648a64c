"""``vyvod coursework init``: what it makes, asks for and refuses, and that nothing of the student's is lost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from tests.coursework.begun import WHO, git, identity, start

from vyvod import catalog
from vyvod.coursework import page, templates
from vyvod.coursework.records import RecordError, parse_coursework, read_coursework
from vyvod.coursework.start import Answers, begin
from vyvod.errors import SettingsError, UserError
from vyvod.experiment.settings import read_settings

FILES = {
    ".github/workflows/coursework.yml",
    ".gitignore",
    "README.md",
    "baseline.yaml",
    "coursework.yaml",
    "requirements.txt",
}


@pytest.fixture(autouse=True)
def _who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    identity(monkeypatch, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "курсовая работа"


def _tracked(folder: Path) -> set[str]:
    return set(git(folder, "-c", "core.quotePath=false", "ls-files").splitlines())


@pytest.mark.parametrize(("language", "branch"), [("ru", "main"), ("en", "master")])
def test_from_nothing(folder: Path, language: str, branch: str) -> None:
    told = start(folder, replace(WHO, language=language), branch=branch, check=True)
    assert _tracked(folder) == FILES
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "branch", "--show-current") == branch
    readme = (folder / "README.md").read_text(encoding="utf-8")
    task = {"ru": "классификация", "en": "classification"}[language]
    for fact in ("Иванов Иван Иванович", "ИВТ-21", "Компьютерное зрение", task, "Fashion-MNIST"):
        assert fact in readme
    assert readme.startswith(page.START)
    assert readme.rstrip().endswith(page.END)
    settings = read_settings(folder / "baseline.yaml")
    assert (settings.data.name, settings.model.name, settings.report.language) == (
        "fashion-mnist-mini",
        "plain",
        language,
    )
    assert any("The data set fashion-mnist-mini" in sentence for sentence in told)
    assert (folder / "runs" / "data-checks").is_dir()  # and git leaves it alone


def test_versions_and_workflow(folder: Path) -> None:
    start(folder)
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all("==" in line or line.startswith("vyvod @ git+https://") for line in pins)
    assert {"torch", "vyvod"} <= {line.split("==")[0].split(" @")[0] for line in pins}
    workflow = yaml.safe_load((folder / ".github/workflows/coursework.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["check"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0
    assert steps[-1]["run"] == "vyvod coursework check"
    assert workflow["permissions"] == {"contents": "read"}


def test_the_address_of_the_program_is_told_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    known = '{"url": "https://example.org/vyvod.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'
    monkeypatch.setattr(templates.metadata, "distribution", lambda _: SimpleNamespace(read_text=lambda _: known))
    assert templates.vyvod_line() == "vyvod @ git+https://example.org/vyvod.git@abc"
    secret = known.replace("https://", "https://user:token@")
    monkeypatch.setattr(templates.metadata, "distribution", lambda _: SimpleNamespace(read_text=lambda _: secret))
    assert "token" not in templates.vyvod_line()


def test_all_missing_options_at_once(folder: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        start(folder, Answers(name="A B", task="classification"))
    assert "--subject" in str(refused.value)
    assert "--data" in str(refused.value)
    assert "--model" in str(refused.value)
    assert "--name" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": "fashion-mnist-mino"}, "Did you mean 'fashion-mnist-mini'"),
        ({"model": "plian"}, "Did you mean 'plain'"),
        ({"task": "clasification"}, "Did you mean 'classification'"),
        ({"task": "reconstruction"}, "Known: classification"),
        ({"language": "de"}, "Known: en, ru"),
        ({"model": "unet"}, "is for segmentation, not for classification"),
        ({"data": "nuclei"}, "is for segmentation"),
        ({"data": "./my_data.py"}, "does not exist"),
    ],
)
def test_wrong_names(folder: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        start(folder, replace(WHO, **changes))
    assert not folder.exists()


def test_a_person_is_asked_and_helped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "Language": ["de", "2"], "имя": ["Петров Пётр"], "Группа": [""], "Предмет": ["  Зрение "],
        "Задача": ["Классификация"], "Датасет": ["mnist", "fashion-mnist-mini"], "Архитектура": ["plain"],
    }  # fmt: skip
    asked: list[str] = []
    told: list[str] = []

    def ask(question: str, choices: list[str], proposal: str | None) -> str:
        asked.append(question)
        if "Архитектура" in question:
            assert "plain" in choices
            assert "unet" not in choices
            assert any("minutes" in line for line in told)  # the table comes before the question
        return next(given.pop(0) for key, given in answers.items() if key in question)

    table = SimpleNamespace(head=("model", "minutes"), rows=[("plain", "1")], notes=["a note"])
    module: Any = SimpleNamespace(choices=lambda *_, **__: table)
    monkeypatch.setitem(__import__("sys").modules, "vyvod.coursework.choice", module)
    begin(folder, Answers(), branch="main", check=False, ask=ask, tell=told.append)
    record = read_coursework(folder / "coursework.yaml")
    assert (record.name, record.group, record.subject, record.language) == ("Петров Пётр", None, "Зрение", "ru")
    assert len(asked) == 9
    assert record.task == "classification"
    assert any("There is no language 'de'" in line for line in told)
    assert any("There is no data set 'mnist'" in line for line in told)


def test_the_nearest_name_is_one_of_the_task(folder: Path) -> None:
    names = catalog.architectures()
    assert "classification" in names["resnet"].tasks
    with pytest.raises(SettingsError) as refused:
        start(folder, replace(WHO, task="segmentation", data="nuclei", model="resnett"))
    assert "'resnet'" not in str(refused.value)
    with pytest.raises(SettingsError, match="Did you mean 'resnet'"):
        start(folder, replace(WHO, model="resnett"))


def test_a_task_in_russian(folder: Path) -> None:
    start(folder, replace(WHO, task="Классификация", language="Русский"))
    record = read_coursework(folder / "coursework.yaml")
    assert (record.task, record.language) == ("classification", "ru")


def test_other_answers_reach_settings_that_nobody_changed(folder: Path) -> None:
    start(folder, replace(WHO, data_root=folder / "images"))
    told = start(folder, Answers(name="Другой Студент", model="resnet"))
    settings = yaml.safe_load((folder / "baseline.yaml").read_text(encoding="utf-8"))
    assert settings["model"] == {"name": "resnet"}
    assert settings["report"]["author"] == "Другой Студент"
    assert settings["data"]["root"] == "images"
    assert read_coursework(folder / "coursework.yaml").group == WHO.group
    sentence = next(sentence for sentence in told if sentence.startswith("Changed in coursework.yaml"))
    assert "name 'Иванов Иван Иванович' to 'Другой Студент'" in sentence
    assert "model 'plain' to 'resnet'" in sentence
    assert not any("contradicts" in sentence for sentence in told)
    start(folder, Answers(task="segmentation", data="nuclei", model="unet"))
    assert "root" not in yaml.safe_load((folder / "baseline.yaml").read_text(encoding="utf-8"))["data"]
    assert git(folder, "status", "--porcelain") == ""


def test_settings_of_the_student_that_contradict_are_told(folder: Path) -> None:
    start(folder)
    mine = (folder / "baseline.yaml").read_text(encoding="utf-8") + "seed: 7\n"
    (folder / "baseline.yaml").write_text(mine, encoding="utf-8")
    git(folder, "commit", "-qam", "mine")
    told = start(folder, Answers(model="resnet"))
    assert (folder / "baseline.yaml").read_text(encoding="utf-8") == mine
    assert any("model.name is 'plain' there and 'resnet' in coursework.yaml" in sentence for sentence in told)


@pytest.mark.parametrize("answer", ["нет", "да"])
def test_a_person_is_asked_before_answers_change(folder: Path, answer: str) -> None:
    start(folder)
    asked: list[str] = []

    def ask(question: str, choices: list[str], proposal: str | None) -> str:
        asked.append(question)
        return answer

    again = {"branch": "main", "check": False, "ask": ask, "tell": lambda _: None}
    begin(folder, Answers(), **again)
    assert not asked
    if answer == "нет":
        with pytest.raises(SettingsError, match="nothing was written"):
            begin(folder, Answers(subject="Другой"), **again)
    else:
        begin(folder, Answers(subject="Другой"), **again)
    assert "subject 'Компьютерное зрение' to 'Другой'" in asked[0]
    assert read_coursework(folder / "coursework.yaml").subject == {"нет": WHO.subject, "да": "Другой"}[answer]


def test_files_of_the_student_stay(folder: Path) -> None:
    folder.mkdir()
    mine = {"README.md": "# Мой проект\n\nТекст.\n", ".gitignore": "*.tmp\n", "notes.txt": "x"}
    for name, text in mine.items():
        (folder / name).write_text(text, encoding="utf-8")
    told = start(folder)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(page.START)
    assert readme.endswith(mine["README.md"])
    assert (folder / ".gitignore").read_text(encoding="utf-8") == mine[".gitignore"]
    assert any("left alone: .gitignore" in sentence for sentence in told)
    assert any("/runs/" in sentence for sentence in told)
    assert "notes.txt" not in _tracked(folder)


def test_a_readme_in_another_coding_keeps_its_bytes(folder: Path) -> None:
    folder.mkdir()
    text = "Мой проект\r\n".encode("cp1251")
    (folder / "README.md").write_bytes(text)
    told = start(folder)
    assert (folder / "README.md").read_bytes().endswith(text)
    assert any("not UTF-8" in sentence for sentence in told)


def test_twice_changes_nothing_and_an_answer_only_its_part(folder: Path) -> None:
    start(folder)
    commit = git(folder, "rev-parse", "HEAD")
    readme = folder / "README.md"
    told = begin(folder, Answers(), branch="main", check=False, ask=None, tell=lambda _: None)
    assert git(folder, "rev-parse", "HEAD") == commit
    assert any("nothing was committed" in sentence for sentence in told)
    readme.write_text("Сверху\n" + readme.read_text(encoding="utf-8") + "Снизу\n", encoding="utf-8")
    git(folder, "commit", "-qam", "mine")
    start(folder, Answers(subject="Другой предмет"))
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("Сверху\n")
    assert text.endswith("Снизу\n")
    assert "Другой предмет" in text
    assert "Компьютерное зрение" not in text


def test_one_mark_lost(folder: Path) -> None:
    start(folder)
    readme = folder / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace(page.END, ""), encoding="utf-8")
    git(folder, "commit", "-qam", "mine")
    with pytest.raises(UserError, match="has lost one of the lines"):
        start(folder)


def test_an_existing_repository_on_master(folder: Path) -> None:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "master")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    start(folder)
    assert git(folder, "branch", "--format=%(refname:short)") == "master"


def test_refused_repositories(folder: Path) -> None:
    start(folder)
    (folder / "baseline.yaml").write_text("x: 1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"baseline\.yaml changed"):
        start(folder)
    git(folder, "checkout", "-q", ".")
    git(folder, "switch", "-q", "-c", "work")
    with pytest.raises(UserError, match="git switch main"):
        start(folder)
    git(folder, "checkout", "-q", "--detach")
    with pytest.raises(UserError, match="detached"):
        start(folder)
    with pytest.raises(UserError, match="lies inside"):
        start(folder / "below")
    with pytest.raises(UserError, match="is a file"):
        start(folder / "README.md")


def test_no_identity_writes_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity(monkeypatch, tmp_path, known=False)
    with pytest.raises(UserError, match=r"user\.email"):
        start(folder)
    assert not folder.exists()


def test_a_link_is_not_written_through(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    outside = tmp_path / "outside.md"
    outside.write_text("outside", encoding="utf-8")
    (folder / "README.md").symlink_to(outside)
    with pytest.raises(UserError, match="no plain file"):
        start(folder)
    assert outside.read_text(encoding="utf-8") == "outside"
    assert not (folder / ".git").exists()


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (".github", "file"),
        (".github/workflows", "link"),
        ("coursework.yaml", "folder"),
        ("baseline.yaml", "folder"),
    ],
)
def test_places_that_are_taken_are_seen_before_anything_is_written(
    folder: Path, tmp_path: Path, place: str, kind: str
) -> None:
    taken = folder / place
    taken.parent.mkdir(parents=True)
    if kind == "file":
        taken.touch()
    elif kind == "folder":
        taken.mkdir()
    else:
        taken.symlink_to(tmp_path)
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError, match="Move it away first"):
        start(folder)
    assert sorted(folder.rglob("*")) == before
    assert not (tmp_path / "coursework.yml").exists()


def test_images_that_are_not_there(folder: Path, tmp_path: Path) -> None:
    told = start(folder, replace(WHO, data="cifar10", data_root=tmp_path / "cifar"), check=True)
    assert any("could not be checked" in sentence for sentence in told)
    assert any("vyvod data check data=cifar10" in sentence for sentence in told)
    assert git(folder, "log", "--oneline")
    assert str(tmp_path / "cifar") in (folder / "baseline.yaml").read_text(encoding="utf-8")


def test_data_inside_of_the_repository_is_named_from_there(folder: Path) -> None:
    start(folder, replace(WHO, data="image-folder", data_root=folder / "data" / "мои снимки"))
    assert yaml.safe_load((folder / "baseline.yaml").read_text(encoding="utf-8"))["data"]["root"] == "data/мои снимки"


@pytest.mark.parametrize(
    "text",
    [b"name: [", b"\xff\xfe", b"- 1", b"format: 2\nname: A\n", b"name: ''\nsubject: x\ntask: y\ndata: z\nmodel: q"],
)
def test_damaged_records_are_one_sentence(text: bytes) -> None:
    with pytest.raises(RecordError) as refused:
        parse_coursework(text, "coursework.yaml")
    assert str(refused.value).startswith("coursework.yaml")
    assert "\n" not in str(refused.value)
