"""README of the main branch, and the words of both documents."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from vyvod.coursework import page
from vyvod.coursework.records import Coursework, Homework, MainResult, RecordError, as_yaml, name_of, parse_homework
from vyvod.coursework.templates import GITIGNORE, requirements_text, train_script
from vyvod.report.document import Column, Document, Heading, Mark, Section, Table
from vyvod.report.html import render as html
from vyvod.report.readme import render
from vyvod.report.text import Words
from vyvod.report.texts import coursework as texts

ONE = Coursework(
    name="Анна <b>Ким</b>", subject="CV | зрение", task="detection", data="trees", model="yolo5", language="ru"
)


def _homework(**changes: object) -> Homework:
    known = {"number": 1, "title": "A | <b>", "written": "2026-01-01T00:00:00+00:00"}
    return Homework.model_validate(known | changes)


def test_names_cannot_break_the_page() -> None:
    text = page.coursework_page(ONE, [_homework()])
    assert "<b>" not in text
    assert "CV &#124; зрение" in text
    assert "детекция" in text
    assert "A &#124; &lt;b&gt;" in text


def test_the_table_of_homeworks() -> None:
    result = MainResult(run="x", model="yolo5", data="trees", metric="map", split="test", value=0.4321)
    text = page.coursework_page(ONE, [_homework(result=result, experiments=["a", "b"]), _homework(number=2)])
    assert "[homework_1](../../tree/homework_1)" in text
    assert "mAP@0.5:0.95 = 0,4321 на test" in text
    assert "| a, b |" in text
    assert "| 2 |" in text


def test_an_own_data_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.coursework_page(ONE.model_copy(update={"data": "./no_such.py"}), [])
    assert "no_such.py" in text


@pytest.mark.parametrize("old", [None, b"", b"  \n"])
def test_a_new_readme(old: bytes | None) -> None:
    assert page.with_generated(old, "# A\n") == f"{page.START}\n\n# A\n\n{page.END}\n".encode()


def test_everything_around_the_part_keeps_its_bytes() -> None:
    around = [b"\xff above\r\n", b"\r\n below \xfe"]
    old = around[0] + page.with_generated(None, "old").rstrip() + around[1]
    new = page.with_generated(old, "new")
    assert new.startswith(around[0])
    assert new.endswith(around[1])
    assert b"old" not in new


@pytest.mark.parametrize("old", [page.START, page.END, f"{page.END}\n{page.START}"])
def test_marks_that_do_not_fit(old: str) -> None:
    with pytest.raises(page.PageError):
        page.with_generated(f"text\n{old}\ntext".encode(), "new")


def test_a_mark_is_a_line_of_markdown_and_nothing_of_the_page() -> None:
    table = Table("caption", [Column("a")], [], mark=Mark("vyvod: values\nrun=x -->"))
    section = Section("s", "S", [Mark("vyvod: experiment name=x"), Heading(("part",), 4), table])
    document = Document("en", "T", "B", [], [section], "F")
    lines = render(document, Words("en")).splitlines()
    assert "<!-- vyvod: experiment name=x -->" in lines
    assert "<!-- vyvod: values run=x -- -->" in lines
    assert lines[lines.index("<!-- vyvod: values run=x -- -->") + 2] == "| a |"
    assert "#### part" in lines
    shown = html(document, Words("en"))
    assert "vyvod: experiment" not in shown
    assert "<h4>part</h4>" in shown


@pytest.mark.parametrize("key", texts.TEXTS)
def test_russian_is_russian_and_english_english(key: str) -> None:
    english, russian = texts.TEXTS[key]
    assert not re.search("[а-яё]", english, re.IGNORECASE)
    bare = re.sub(r"\{\w+\}|README|baseline|Vyvod|results/|Colab|Kaggle", "", russian)
    assert re.search("[а-яё]", bare) or not re.search("[a-z]", bare, re.IGNORECASE)


@pytest.mark.parametrize("title", ['a """ b', "back\\slash\\", "две\nстроки", "{braces}"])
def test_a_script_is_python_whatever_the_title(title: str) -> None:
    compile(train_script("run", number=1, title=title, language="ru"), "train.py", "exec")


def test_a_script_says_how_an_experiment_is_repeated() -> None:
    plain = train_script("run", number=1, title="x", language="en")
    assert "experiment settings/" not in plain
    assert "FIRST" not in plain
    text = train_script("run", number=1, title="x", language="en", experiments=["drop", "wide"])
    assert "vyvod experiment settings/drop.yaml, vyvod experiment settings/wide.yaml" in text
    compile(text, "train.py", "exec")


@pytest.mark.parametrize("weights", ["runs/a", 'runs/"\\n{x}', "runs/моё начало/checkpoints/best.safetensors"])
def test_a_script_with_initial_weights_is_python(weights: str) -> None:
    text = train_script("run", number=1, title="x", language="ru", first={weights: "settings/a.yaml"})
    table = next(node for node in ast.parse(text).body if isinstance(node, ast.Assign) and node.lineno > 14)
    assert ast.literal_eval(table.value) == {weights: "settings/a.yaml"}


def test_what_is_for_linux_alone_says_so() -> None:
    names = ["torch", "triton", "nvidia-cublas-cu12", "cuda-bindings", "tritonclient", "numpy"]
    lines = requirements_text(dict.fromkeys(names, "1.0"), vyvod="vyvod==0.1.0").splitlines()
    marked = {line.split("==")[0] for line in lines if line.endswith('; sys_platform == "linux"')}
    assert marked == {"triton", "nvidia-cublas-cu12", "cuda-bindings"}
    assert all(str(Requirement(line)) for line in lines if not line.startswith("#"))


def test_archives_of_homeworks_are_ignored() -> None:
    assert "/homework_*.zip" in GITIGNORE.splitlines()


def test_a_result_of_a_split_that_there_is_not() -> None:
    result = {"run": "x", "model": "yolo5", "data": "trees", "metric": "map", "split": "train", "value": 0.4}
    with pytest.raises(RecordError, match=r"result\.split"):
        parse_homework(as_yaml(_homework()).replace("result: null", f"result: {result}").encode(), "it")


@pytest.mark.parametrize(
    ("folder", "name"),
    [("runs/a b", "a-b"), (Path("/x/моя сеть"), "моя-сеть"), ("a/", "a"), ("", "run"), ("runs/--", "run")],
)
def test_names_in_files_and_marks(folder: str | Path, name: str) -> None:
    assert name_of(folder) == name


def test_records_survive_being_written() -> None:
    one = _homework(runs=["a"], files={"README.md": "abc"}, result=None)
    assert parse_homework(as_yaml(one).encode(), "it") == one
