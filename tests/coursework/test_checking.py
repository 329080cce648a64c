"""Repositories with the faults that students make, and what the check says of each."""

import json
import re
import time
from pathlib import Path
from types import ModuleType

import pytest
from tests.coursework import handed_in
from tests.coursework.handed_in import (
    CODE,
    ENGLISH,
    MAIN,
    PINNED,
    RUSSIAN,
    begin,
    branch,
    code_cell,
    homework,
    notebook,
    picture,
    state,
    text_cell,
)

from vyvod.coursework.check import branch_files, checking, notebooks, words
from vyvod.coursework.check.checking import CheckedRepository, check_all
from vyvod.coursework.check.listing import lines, write_csv, write_json
from vyvod.coursework.check.markdown import above, beside, parse
from vyvod.coursework.check.requirements import HOMEWORK, TITLES, Finding
from vyvod.coursework.check.requirements import MAIN as MAIN_REQUIREMENTS
from vyvod.coursework.records import readme_hash
from vyvod.errors import UserError
from vyvod.report.text import TEXTS

NUMBERS = {"numbers"}
"""Without results nobody can tell whether the numbers are right."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begin(tmp_path / "Петрова Анна")


def checked(folder: Path) -> CheckedRepository:
    (one,) = check_all([folder])
    assert one.error is None
    return one


def having(repository: CheckedRepository, status: str, branch: str | None = None) -> set[str]:
    return {
        one.requirement
        for one in repository.findings
        if one.status == status and (branch is None or one.branch == branch)
    }


def finding(repository: CheckedRepository, requirement: str) -> Finding:
    order = ("fail", "unknown", "pass")
    found = [one for one in repository.findings if one.requirement == requirement]
    return min(found, key=lambda one: order.index(one.status))


@pytest.mark.parametrize("readme", [RUSSIAN, ENGLISH], ids=["russian in other words", "english"])
def test_nothing_is_missing_in_a_complete_homework(folder: Path, readme: str) -> None:
    repository = checked(branch(folder, "homework_1", homework(readme)))
    assert having(repository, "fail") == set()
    assert having(repository, "unknown") == NUMBERS
    assert not repository.failed
    assert {one.requirement for one in repository.findings} == set(TITLES)


def test_each_experiment_is_judged_on_its_own(folder: Path) -> None:
    readme = ENGLISH.replace("- Idea: minimise what is measured.\n", "")
    repository = checked(branch(folder, "homework_1", homework(readme)))
    assert having(repository, "fail") == {"experiment-idea"}
    assert "Dice loss" in finding(repository, "experiment-idea").place


def test_misspelt_requirements_are_found_and_still_read(folder: Path) -> None:
    files = homework(**{"requirements.txt": None, "requarements.txt": "sklearn==1.0\n" + PINNED})
    repository = checked(branch(folder, "homework_1", files))
    assert having(repository, "fail") == {"requirements"}
    said = [one for one in repository.findings if one.requirement == "requirements"]
    assert "git mv requarements.txt requirements.txt" in said[0].cure
    assert "scikit-learn" in said[1].cure
    assert said[1].place == "requarements.txt:1"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("homewor_1", 1),
        ("Homework-1", 1),
        ("hw1", 1),
        ("homework1", 1),
        ("homework_02", 2),
        ("дз3", 3),
        ("student/hw-2", 2),
    ],
)
def test_similar_branch_names_fail_with_the_cure_and_are_checked(folder: Path, name: str, number: int) -> None:
    repository = checked(branch(folder, name, homework(**{"train.py": None})))
    assert having(repository, "fail", name) == {"branch-name", "code"}
    cure = finding(repository, "branch-name").cure
    assert re.search(rf"git branch -m '?{re.escape(name)}'? homework_{number};", cure)


@pytest.mark.parametrize("name", ["experiments", "fix", "gh-pages", "home-page", "work", "feature_1", "v2"])
def test_other_branches_are_no_homework(folder: Path, name: str) -> None:
    repository = checked(branch(folder, name, {"x": "y"}))
    assert repository.branches == ["main"]
    assert having(repository, "fail") == {"homework-branches"}


def test_a_second_branch_for_the_same_homework(folder: Path) -> None:
    branch(folder, "homework_1", homework())
    repository = checked(branch(folder, "hw1", homework()))
    assert having(repository, "fail") == {"branch-name"}
    assert "There is homework_1 too" in finding(repository, "branch-name").cure


def test_results_as_pictures_in_a_notebook_count(folder: Path) -> None:
    readme = RUSSIAN.split("## Что получилось")[0] + "Ноутбук: https://colab.research.google.com/drive/1\n"
    report = (
        "              precision    recall  f1-score   support\n\n"
        "       кошка       0.75      0.74      0.74       100\n"
        "      собака       0.78      0.79      0.78       100\n"
        "        конь       0.90      0.87      0.88       100\n\n"
        "   macro avg       0.81      0.80      0.80       300\n"
    )
    results = RUSSIAN[RUSSIAN.index("## Эксперимент") :].replace("![F1 с аугментацией](img/augmented.png)", "")
    book = notebook(
        code_cell("from google.colab import drive\ndrive.mount('/content/drive')"),
        code_cell("plt.plot(train_loss, label='train loss')\nplt.plot(val_loss)\nplt.show()", png=picture(1)),
        code_cell("plt.plot(val_f1)\nplt.xlabel('epoch')", png=picture(2)),
        text_cell("## Примеры предсказаний\n10 картинок"),
        code_cell("show(images)", png=picture(3)),
        code_cell("print(classification_report(y, p))", text=report),
        text_cell(results),
        code_cell("plot_f1()", png=picture(4)),
    )
    files = homework(readme, **{"train.py": None, "ДЗ 1.ipynb": book})
    repository = checked(branch(folder, "homework_1", files))
    assert having(repository, "fail") == set()
    assert finding(repository, "loss-curve").place == "ДЗ 1.ipynb, cell 2"
    assert finding(repository, "metrics-per-class").found == "3 classes"
    # A grid of pictures does not say how many it holds.
    assert having(repository, "unknown") <= NUMBERS | {"examples"}


@pytest.mark.parametrize("sign", ["/content/data", "import google.colab", "/kaggle/input/x"])
def test_colab_without_a_link(folder: Path, sign: str) -> None:
    files = homework(**{"a.ipynb": notebook(code_cell(f"root = '{sign}'"))})
    assert having(checked(branch(folder, "homework_1", files)), "fail") == {"online-link"}


@pytest.mark.parametrize("coding", ["cp1251", "utf-16"])
def test_a_readme_in_another_coding_is_still_judged(folder: Path, coding: str) -> None:
    repository = checked(branch(folder, "homework_1", homework(RUSSIAN.encode(coding))))
    assert having(repository, "fail") == {"readme-encoding"}
    assert "iconv" in finding(repository, "readme-encoding").cure


@pytest.mark.parametrize(
    "left",
    [TEXTS["own_invitation"][1], "TODO", "...", "", "*Напишите здесь свои выводы.*"],
)
def test_conclusions_left_as_drafted(folder: Path, left: str) -> None:
    readme = RUSSIAN.replace("отражения помогают, прирост больше разброса между запусками.", f"\n\n{left}\n")
    repository = checked(branch(folder, "homework_1", homework(readme)))
    assert having(repository, "fail") == {"experiment-conclusions", "own-conclusions"}


def test_drafted_conclusions_need_own_ones(folder: Path) -> None:
    def page(own: str) -> str:
        return f"{RUSSIAN}\n## Выводы\n\n<!-- vyvod: your conclusions -->\n{own}\n<!-- vyvod: end -->\n"

    repository = checked(branch(folder, "homework_1", homework(page(TEXTS["own_invitation"][1]))))
    assert having(repository, "fail") == {"own-conclusions"}
    repository = checked(branch(folder, "homework_2", homework(page("Отражения помогли всем классам, кроме кошек."))))
    assert having(repository, "fail", "homework_2") == set()


def test_a_blank_figure_and_a_broken_link(folder: Path) -> None:
    files = homework(**{"img/f1.png": picture(blank=True), "img/augmented.png": None, "img/Augmented.png": picture(1)})
    repository = checked(branch(folder, "homework_1", files))
    assert having(repository, "fail") == {"figures", "figure-links", "metric-curves"}
    assert "img/f1.png is blank" in finding(repository, "figures").found
    assert "img/Augmented.png" in finding(repository, "figure-links").cure


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nbroken", picture()[:-40], b"<html>404</html>", b"<svg><"])
def test_pictures_that_do_not_open(folder: Path, content: bytes) -> None:
    repository = checked(branch(folder, "homework_1", homework(**{"img/f1.png": content})))
    assert having(repository, "fail") == {"figures", "metric-curves"}


@pytest.mark.parametrize(
    ("old", "new", "failed"),
    [
        ("| собака | 0,78 | 0,79 | 0,78 |\n", "", {"metrics-per-class"}),
        ("| собака | 0,78 | 0,79 | 0,78 |", "| собака | 0,78 | | |", {"metrics-per-class"}),
        ("| Полнота | 0,80 |\n", "", {"metrics-overall"}),
        ("| Класс | Precision | Recall | F1 |", "| Класс | Precision | Recall | AUC |", {"metrics-per-class"}),
        ("## Эксперимент 1. Аугментация", "## Прочее", set()),
        ("8 картинок", "3 картинки", {"examples"}),
        ("![Лосс на обучении и валидации](img/loss.png)\n", "", {"loss-curve"}),
        ("Точность и F1 на валидации по эпохам](img/f1.png)", "Рисунок](img/examples.png)", set()),
        ("![Предсказания](img/examples.png)\n", "", {"examples"}),
        (": 3 класса. Классы: кошка, собака, конь.", ".", {"task-class-count"}),
        ("![F1 с аугментацией](img/augmented.png)\n", "", {"experiment-results"}),
        ("**Сравнение с бейзлайном:** 0,83 против 0,80.", "", {"experiment-baseline"}),
        ("**Цель:** поднять F1 на валидации.\n\n**Гипотеза:**", "**Идея:**", {"experiment-goal"}),
        ("**Гипотеза:** отражения добавляют разнообразия.", "", {"experiment-idea"}),
        ("## Набор данных\n\nВзяты 6000 снимков из CIFAR-10, по 2000 на класс.", "", {"data"}),
        ("img/loss.png", "C:\\\\Users\\\\anna\\\\loss.png", {"figure-links", "loss-curve"}),
        ("img/loss.png", "../../etc/passwd", {"figure-links", "loss-curve"}),
    ],
)
def test_one_fault(folder: Path, old: str, new: str, failed: set[str]) -> None:
    assert old in RUSSIAN
    repository = checked(branch(folder, "homework_1", homework(RUSSIAN.replace(old, new))))
    assert having(repository, "fail") == failed


@pytest.mark.parametrize("name", ["checkpoints_compared.ipynb", "checkpoints/a.ipynb"])
def test_only_copies_of_jupyter_are_passed_over(folder: Path, name: str) -> None:
    book = notebook(code_cell("root = '/content/data'"))
    branch(folder, "homework_1", homework(**{name: book}))
    branch(folder, "homework_2", homework(**{f".ipynb_checkpoints/{name}": book}))
    repository = checked(folder)
    assert having(repository, "fail", "homework_1") == {"online-link"}
    assert having(repository, "fail", "homework_2") == set()


@pytest.mark.parametrize(
    ("module", "name", "requirement", "branch_name"),
    [
        (checking, "check_front", "main-readme", "main"),
        (checking, "_check_name", "branch-name", "homework_1"),
        (branch_files, "check_readme", "readme", "homework_1"),
    ],
)
def test_a_check_that_fails_itself_stops_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, requirement: str, branch_name: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    branch(folder, "homework_1", homework())
    monkeypatch.setattr(module, name, broken)
    repository = checked(folder)
    assert having(repository, "fail") == set()
    assert requirement in having(repository, "unknown", branch_name)
    assert "came to no end (ZeroDivisionError: oh)" in finding(repository, requirement).found
    assert "code" in having(repository, "pass", "homework_1")


def test_a_printed_report_is_read_row_by_row() -> None:
    rows = (
        "   precision recall",
        "",
        "  big cat  0.75 1.00  0.8\t100 ",
        " avg 0.7 0.8 0.9 3 4",
        " accuracy 0.8 100",
        "2 0.5 0.5 0.5 x",
    )
    text = "\n".join(rows)
    book = notebooks.read(notebook(code_cell("x", text=text)).encode(), "a.ipynb")
    (table,) = [block for block in book.blocks if block.kind == "table"]
    assert table.rows[1:] == (("big cat", "0.75", "1.00", "0.8", "100"),)


def test_what_each_block_stands_under() -> None:
    text = "words\n\n# A\n\n**Goal.** x\n\n### B\n\ny\n\n## C\n\nz\n\n# D\n\nend\n"
    blocks = [*parse(text, "a.md"), *parse("other", "b.md")]
    under = {block.text: [head.text for head in heads] for block, heads in zip(blocks, above(blocks), strict=True)}
    assert under == {
        "words": [], "A": [], "Goal": ["A"], "x": ["Goal", "A"], "B": ["A"], "y": ["B", "A"], "C": ["A"], "z": ["C", "A"],
        "D": [], "end": ["D"], "other": [],
    }  # fmt: skip


def said(folder: Path, name: str, readme: str, **others: str | bytes | None) -> CheckedRepository:
    return checked(branch(folder, name, homework(readme, **others)))


def test_one_named_class_needs_no_number(folder: Path) -> None:
    run = {"task": "detection", "data": {"classes": ["nucleus"], "splits": {"test": {"images": 4}}}}
    readme = RUSSIAN.replace(
        "Классификация изображений: 3 класса. Классы: кошка, собака, конь.",
        "Детекция: сеть находит объекты класса **nucleus**.",
    )
    repository = said(folder, "homework_1", readme, **{"results/yolo/run.json": json.dumps(run)})
    assert finding(repository, "task-class-count").found == "1 class"
    assert {"task-class-count", "task-class-names"} <= having(repository, "pass", "homework_1")
    repository = said(
        folder, "homework_2", RUSSIAN.replace("3 класса. Классы: кошка, собака, конь", "один класс: ядро")
    )
    assert {"task-class-count", "task-class-names"} <= having(repository, "pass", "homework_2")


@pytest.mark.parametrize(("images", "status"), [(4, "pass"), (5, "fail"), (True, "fail"), ("4", "fail")])
def test_fewer_examples_where_there_are_no_more_images(folder: Path, images: object, status: str) -> None:
    run = {
        "task": "classification",
        "data": {"classes": ["кошка", "собака", "конь"], "splits": {"test": {"images": images}}},
    }
    readme = RUSSIAN.replace("8 картинок", "4 картинки")
    one = finding(said(folder, "homework_1", readme, **{"results/a/run.json": json.dumps(run)}), "examples")
    assert one.status == status
    assert ("no more images" in one.found) == (status == "pass")


@pytest.mark.parametrize(
    "task",
    ["классов десять: кот, пёс.", "10 классов (0-9).", "цифры от 0 до 9.", "Классов 10: 0–9.", "Classes: 0 … 9, digits.",
     "классы: " + ", ".join("абвгдежзик") + "."],
)  # fmt: skip
def test_ways_of_saying_how_many_classes_and_which(folder: Path, task: str) -> None:
    readme = RUSSIAN.replace("3 класса. Классы: кошка, собака, конь.", task)
    repository = said(folder, "homework_1", readme)
    assert finding(repository, "task-class-count").found == "10 classes"
    assert "task-class-names" in having(repository, "pass", "homework_1")


def test_a_range_names_the_classes_of_a_run(folder: Path) -> None:
    readme = RUSSIAN.replace("3 класса. Классы: кошка, собака, конь.", "10 классов (0-9).")
    run = {"task": "classification", "data": {"classes": [str(number) for number in range(10)]}}
    assert "task-class-names" in having(
        said(folder, "homework_1", readme, **{"results/a/run.json": json.dumps(run)}), "pass"
    )
    run["data"]["classes"].append("11")
    repository = said(folder, "homework_2", readme, **{"results/a/run.json": json.dumps(run)})
    (found,) = [
        one.found for one in repository.findings if (one.branch, one.requirement) == ("homework_2", "task-class-names")
    ]
    assert found.endswith(": 11")


@pytest.mark.parametrize(
    "text", ["F1 выросла на 10-20 % у всех классов.", "цифра 7 из 10", "2000 на класс", "в одном классе"]
)
def test_numbers_that_name_no_classes(text: str) -> None:
    assert words.numbered_classes(text) == []
    assert words.class_counts(text) == []


@pytest.mark.parametrize("left", ["Будет позже", "TODO", "Здесь будет описание датасета.", "To be added."])
def test_a_data_set_that_is_left_for_later(folder: Path, left: str) -> None:
    readme = RUSSIAN.replace("Взяты 6000 снимков из CIFAR-10, по 2000 на класс.", left)
    assert having(said(folder, "homework_1", readme), "fail") == {"data"}


def test_a_data_set_of_the_main_branch_that_is_left_for_later(tmp_path: Path) -> None:
    readme = MAIN.replace("CIFAR-10.", "будет позже")
    assert having(checked(branch(begin(tmp_path / "r", readme=readme), "homework_1", homework())), "fail") == {
        "main-data"
    }


@pytest.mark.parametrize("left", ["Здесь будет вывод о пользе отражений.", "Допишем позже, после защиты работы."])
def test_conclusions_that_are_left_for_later(folder: Path, left: str) -> None:
    readme = RUSSIAN.replace("отражения помогают, прирост больше разброса между запусками.", f"\n\n{left}\n")
    assert having(said(folder, "homework_1", readme), "fail") == {"experiment-conclusions", "own-conclusions"}


def test_a_table_alone_is_no_conclusion(folder: Path) -> None:
    readme = RUSSIAN.split("## Эксперимент")[0] + "\n**Итог на тесте:**\n\n| | precision | recall | F1 |\n|-|-|-|-|\n"
    readme += "| все классы вместе | 0.81 | 0.79 | 0.80 |\n\nИ по всем классам по отдельности:\n\n| a | b |\n|-|-|\n| 1 | 2 |\n"
    assert having(said(folder, "homework_1", readme), "fail") == {"experiment", "own-conclusions"}


def test_p_and_r_are_columns_of_metrics(folder: Path) -> None:
    readme = RUSSIAN.replace("| Класс | Precision | Recall | F1 |", "| Класс | P | Box(R) | F1 |")
    assert having(said(folder, "homework_1", readme), "fail") == set()


@pytest.mark.parametrize(
    "goal",
    ["**Зачем.** Поднять F1 на валидации.", "Отражения взяты для чего: поднять F1.", "**Задача эксперимента:** поднять F1.",
     "Хотим проверить, растёт ли F1.", "We want to see whether F1 grows."],
)  # fmt: skip
def test_a_goal_in_own_words(folder: Path, goal: str) -> None:
    readme = RUSSIAN.replace("**Цель:** поднять F1 на валидации.", goal)
    assert "experiment-goal" in having(said(folder, "homework_1", readme), "pass")


def test_whether_a_hypothesis_is_the_goal_cannot_be_told(folder: Path) -> None:
    repository = said(folder, "homework_1", RUSSIAN.replace("**Цель:** поднять F1 на валидации.", ""))
    assert having(repository, "fail") == set()
    assert finding(repository, "experiment-goal").status == "unknown"


def test_what_only_a_notebook_says(folder: Path) -> None:
    printed = "precision 0.81 recall 0.82 f1 0.81\n кот: precision 0.9 recall 0.9 f1 0.9\n пёс: precision 0.9 recall 0.9 f1 .9"
    book = notebook(
        text_cell("## Задача\nКлассификация, 3 класса: кот, пёс, конь"),
        text_cell("## Датасет\nOxford Pets"),
        code_cell("evaluate()", text=printed),
        text_cell("## Эксперимент 1\nЦель: поднять F1\n\nИдея: отражения картинок"),
        code_cell("plot()", png=picture(1)),
        text_cell("Сравнение с baseline: было 0.8, стало 0.83."),
    )
    repository = said(folder, "homework_1", "# Домашнее задание 1\n\nВсё написано в ноутбуке.\n", **{"hw1.ipynb": book})
    for requirement, cell in (("task-kind", 1), ("task-class-count", 1), ("task-class-names", 1), ("data", 2)):
        one = finding(repository, requirement)
        assert (one.status, one.cure) == ("fail", "Copy it to README."), requirement
        assert f"hw1.ipynb, cell {cell} does" in one.found
    per_class = finding(repository, "metrics-per-class")
    assert (per_class.status, per_class.place) == ("unknown", "hw1.ipynb, cell 3")
    assert "кот, пёс" in per_class.found
    assert finding(repository, "experiment-results").status == "pass"


@pytest.mark.parametrize("name", ["Петрова А. С.", "Петрова А.С.", "А. С. Петрова"])
def test_initials_are_no_full_name(tmp_path: Path, name: str) -> None:
    readme = MAIN.replace("Петрова Анна Сергеевна", name)
    one = finding(checked(branch(begin(tmp_path / "r", readme=readme), "homework_1", homework())), "main-name")
    assert one.status == "unknown"
    assert "initials" in one.found
    assert ".." not in "\n".join(lines([checked(tmp_path / "r")]))


CAPTIONS_ABOVE = """## Обучение

Как менялась ошибка сети при обучении

![](img/loss.png)

Качество на отложенных данных по эпохам (precision, recall, F1)

![](img/f1.png)
"""


@pytest.mark.parametrize(
    "text",
    [
        CAPTIONS_ABOVE,
        CAPTIONS_ABOVE + "\nДальше.\n",
        "Потери ![](img/loss.png)\nМетрики на валидации ![](img/f1.png)\nДальше.",
    ],
    ids=["above", "above, and words after", "on one line"],
)
def test_a_caption_is_that_of_one_figure(folder: Path, text: str) -> None:
    text = (
        text.replace("обучении\n\n!", "обучении:\n\n!").replace("F1)\n\n!", "F1):\n\n!") if "Дальше" in text else text
    )
    start, end = RUSSIAN.index("![Лосс"), RUSSIAN.index("Примеры предсказаний")
    repository = said(folder, "homework_1", f"{RUSSIAN[:start]}\n{text}\n## Примеры\n\n{RUSSIAN[end:]}")
    assert finding(repository, "loss-curve").found == "img/loss.png"
    assert finding(repository, "metric-curves").found == "img/f1.png"
    alone = text.replace("](img/f1.png)", "](img/none.svg)")
    repository = said(folder, "homework_2", f"{RUSSIAN[:start]}\n{alone}\n## Примеры\n\n{RUSSIAN[end:]}")
    assert "metric-curves" in having(repository, "fail", "homework_2")


def test_captions_below() -> None:
    blocks = parse("![](a.png)\n\nПотери\n\n![](b.png)\n\nМетрики\n", "a.md")
    images = [at for at, block in enumerate(blocks) if block.kind == "image"]
    assert [beside(blocks, at) for at in images] == ["Потери", "Метрики"]


def test_a_blank_loss_curve_is_none(folder: Path) -> None:
    repository = said(folder, "homework_1", RUSSIAN, **{"img/loss.png": picture(blank=True)})
    assert having(repository, "fail") == {"figures", "loss-curve"}
    assert "img/loss.png is blank" in finding(repository, "loss-curve").found


def test_a_script_with_next_to_nothing_is_named(folder: Path) -> None:
    repository = said(folder, "homework_1", RUSSIAN, **{"train.py": "x = 1\n"})
    assert having(repository, "fail") == {"code"}
    assert finding(repository, "code").found == "there is train.py, but next to nothing in it"


def test_changes_that_are_not_committed_are_told(folder: Path) -> None:
    branch(folder, "homework_1", homework())
    handed_in.git(folder, "checkout", "-q", "homework_1")
    (folder / "README.md").write_bytes(RUSSIAN.replace("\n", "\r\n").encode())
    assert "readme" in having(checked(folder), "pass", "homework_1")
    (folder / "README.md").write_text(RUSSIAN + "more", encoding="utf-8")
    repository = checked(folder)
    assert (
        finding(repository, "readme").found == "README.md has changes that are not committed; they were not looked at"
    )
    assert having(repository, "unknown", "main") == set()
    handed_in.git(folder, "checkout", "-q", "-f", "main")
    (folder / "README.md").write_text("x", encoding="utf-8")
    assert having(checked(folder), "unknown", "main") == {"main-readme"}


def test_a_readme_that_was_never_committed(tmp_path: Path) -> None:
    folder = begin(tmp_path / "r", readme=None)
    (folder / "README.md").write_text(MAIN, encoding="utf-8")
    said_of_it = [one.found for one in checked(folder).findings if one.requirement == "main-readme"]
    assert said_of_it[-1] == "README.md is there, but not committed"


def test_numbers_beside_the_tables_are_told_of(folder: Path) -> None:
    record = {"number": 1, "title": "x", "written": "now", "runs": ["plain"], "readme": readme_hash(RUSSIAN.encode())}
    mark = "<!-- vyvod: values run=plain kind=overall columns=test rows=f1 -->"
    readme = RUSSIAN.replace("| метрика | значение |", f"{mark}\n\n| метрика | значение |")
    branch(folder, "homework_1", homework(readme, **{"homework.yaml": json.dumps(record)}))
    found = [one for one in checked(folder).findings if one.requirement == "numbers"]
    assert [one.status for one in found if "for each class" in one.found] == ["fail"]
    (changed,) = [one for one in found if "was changed by hand" in one.found]
    assert (changed.status, changed.place) == ("unknown", "README.md")
    assert changed.cure.startswith("Write the README again")


def test_a_page_that_is_meant_to_take_time_does_not(folder: Path) -> None:
    texts = (
        "Класс: а\n\n" * 15_000,
        "а: " + " " * 150_000,
        "классов " * 20_000,
        "цифр 0-" * 20_000,
        "![](a.png) а\n\n" * 10_000,
    )
    begun = time.perf_counter()
    for number, text in enumerate(texts, start=1):
        branch(folder, f"homework_{number}", {"README.md": text, "a.ipynb": notebook(code_cell("x", text=text))})
    assert "task-kind" in having(checked(folder), "fail")
    assert time.perf_counter() - begun < 60


def test_no_experiment(folder: Path) -> None:
    repository = checked(branch(folder, "homework_1", homework(RUSSIAN.split("## Эксперимент")[0])))
    assert having(repository, "fail") == {"experiment", "own-conclusions"}
    assert finding(repository, "experiment").found == "no experiment found"


@pytest.mark.parametrize("said", ["Пока не проводились.", ""])
def test_a_heading_alone_is_no_experiment(folder: Path, said: str) -> None:
    readme = f"{RUSSIAN.split('## Эксперимент')[0]}## Эксперименты\n\n{said}\n\n## Итог\n\nСеть путает кошек и собак.\n"
    assert having(checked(branch(folder, "homework_1", homework(readme))), "fail") == {"experiment"}


def test_the_classes_of_the_run_are_the_ones_that_count(folder: Path) -> None:
    run = {"task": "classification", "data": {"classes": ["кошка", "собака", "конь", "олень"]}}
    files = homework(**{"results/plain/run.json": json.dumps(run)})
    repository = checked(branch(folder, "homework_1", files))
    assert having(repository, "fail") == {"task-class-count", "task-class-names", "metrics-per-class"}
    assert "олень" in finding(repository, "metrics-per-class").found


def test_detection_needs_its_own_metrics(folder: Path) -> None:
    readme = RUSSIAN.replace("Классификация изображений", "Детекция объектов")
    repository = checked(branch(folder, "homework_1", homework(readme)))
    assert having(repository, "fail") == {"metrics-overall"}
    assert "mAP@0.5:0.95" in finding(repository, "metrics-overall").found
    more = readme.replace("| F1-мера |", "| mAP@0.5 | 0,7 |\n| mAP0.5:0.95 | 0,4 |\n| F1-мера |")
    repository = checked(branch(folder, "homework_2", homework(more)))
    assert having(repository, "fail", "homework_2") == set()


@pytest.mark.parametrize(
    ("readme", "failed"),
    [
        ("", {"main-name", "main-subject", "main-task", "main-data"}),
        (None, {"main-readme", "main-name", "main-subject", "main-task", "main-data"}),
        (MAIN.replace("Студент: Петрова Анна Сергеевна", "Студент: Анна"), {"main-name"}),
        (MAIN.replace("Студент: Петрова Анна Сергеевна", "| ФИО | Группа |\n|--|--|\n| Иванов Иван | 1 |"), set()),
        ("# Computer Vision\n\nAuthor: John Smith\n\nObject detection on COCO", set()),
        (MAIN.encode("cp1251"), {"main-readme"}),
        (MAIN.replace("Датасет: CIFAR-10.", ""), {"main-data"}),
        (MAIN.replace("# Курс «Компьютерное зрение»", "# Работа"), {"main-subject"}),
    ],
)
def test_the_main_branch(tmp_path: Path, readme: str | bytes | None, failed: set[str]) -> None:
    folder = branch(begin(tmp_path / "r", readme=readme), "homework_1", homework())
    assert having(checked(folder), "fail") == failed


def test_a_name_that_may_be_none_cannot_be_told(tmp_path: Path) -> None:
    readme = MAIN.replace("Студент: Петрова Анна Сергеевна", "Anna Petrova")
    folder = branch(begin(tmp_path / "r", readme=readme), "homework_1", homework())
    assert having(checked(folder), "unknown", "main") == {"main-name"}


def test_the_readme_of_the_main_branch_again(folder: Path) -> None:
    repository = checked(branch(folder, "homework_1", homework(MAIN)))
    assert finding(repository, "readme").found == "the same as on the main branch"
    assert "readme" in having(repository, "fail")


def test_a_readme_by_another_name_is_still_judged(folder: Path) -> None:
    repository = checked(branch(folder, "homework_1", homework(**{"README.md": None, "REAMDE.md": RUSSIAN})))
    assert having(repository, "fail") == {"readme"}
    assert finding(repository, "readme").cure == "git mv REAMDE.md README.md"


def test_only_pieces_of_packages_are_no_code(folder: Path) -> None:
    files = homework(**{"train.py": None, "src/__init__.py": CODE, "setup.py": CODE, "a.ipynb": notebook()})
    assert having(checked(branch(folder, "homework_1", files)), "fail") == {"code"}


def test_checking_changes_nothing_and_takes_seconds(folder: Path) -> None:
    for number in range(1, 6):
        branch(folder, f"homework_{number}", homework())
    (folder / "README.md").write_text("changed, and not committed", encoding="utf-8")
    before = state(folder)
    begun = time.perf_counter()
    repository = checked(folder)
    assert time.perf_counter() - begun < 5
    assert state(folder) == before
    assert len(repository.branches) == 6


def test_some_branches_only(folder: Path) -> None:
    for number in (1, 2):
        branch(folder, f"homework_{number}", homework())
    (one,) = check_all([folder], branches=["homework_2"])
    assert one.branches == ["homework_2"]
    (one,) = check_all([folder], branches=["homework_3"])
    assert one.error is not None
    assert "no branch homework_3" in one.error


def test_a_class_with_a_broken_repository(tmp_path: Path) -> None:
    good = branch(begin(tmp_path / "class" / "Анна П"), "homework_1", homework())
    bad = begin(tmp_path / "class" / "bad")
    (bad / ".git" / "HEAD").write_text("nonsense", encoding="utf-8")
    listed = tmp_path / "class.txt"
    listed.write_text("\ufeff# the class\nclass/Анна П\nclass/bad\n\nclass/absent\n", encoding="utf-8")
    by_list, by_folder = check_all([listed]), check_all([tmp_path / "class"])
    assert [one.error is None for one in by_list] == [True, False, False]
    assert [one.name for one in by_folder] == ["bad", "Анна П"]
    assert [one.failed for one in by_folder] == [True, False]
    assert good.name in "\n".join(lines(by_list))


@pytest.mark.parametrize("content", ["", "# nothing\n", "a\0b\n"])
def test_a_list_of_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "class.txt").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="lists no repositories"):
        check_all([tmp_path / "class.txt"])


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        check_all([tmp_path / "absent"])


def test_the_listing_names_place_and_cure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    branch(folder, "homework_1", homework(**{"requirements.txt": "numpy\n"}))
    text = "\n".join(lines([checked(folder)]))
    assert re.search(r"FAIL +requirements.txt with .*requirements.txt:1 +numpy has no exact version", text)
    assert "Write numpy==VERSION" in " ".join(text.split())
    assert "README in UTF-8" not in text
    assert "README in UTF-8" in "\n".join(lines([checked(folder)], verbose=True))
    assert max(map(len, text.splitlines())) <= 160


def test_many_repositories_are_summed_up(tmp_path: Path) -> None:
    for number in range(5):
        branch(begin(tmp_path / f"s{number}"), "homework_1", homework(**{"train.py": None if number else CODE}))
    text = list(lines(check_all([tmp_path])))
    assert sum("FAIL" in line and "code" in line for line in text) == 4
    assert "1 of 5 repositories are in order." in text


def test_json_and_csv(folder: Path, tmp_path: Path) -> None:
    branch(folder, "homework_1", homework(**{"requirements.txt": "numpy\n"}))
    found = [checked(folder), CheckedRepository("=cmd()", folder, error="broken")]
    write_json(tmp_path / "all.json", found)
    record = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert record["repositories"][0]["findings"][0]["title"] == TITLES["main-readme"]
    write_csv(tmp_path / "all.csv", found)
    rows = [line.split(",") for line in (tmp_path / "all.csv").read_text(encoding="utf-8-sig").splitlines()]
    assert rows[0] == ["repository", "branch", "failed", *MAIN_REQUIREMENTS, *HOMEWORK, "error"]
    assert [row[1] for row in rows[1:]] == ["main", "homework_1", ""]
    assert rows[2][rows[0].index("requirements")] == "fail"
    assert rows[2][rows[0].index("code")] == "pass"
    assert rows[1][rows[0].index("code")] == ""
    assert rows[3][0] == "'=cmd()"


def test_the_helpers_do_write_what_they_say(folder: Path) -> None:
    branch(folder, "homework_1", {"a": "b"})
    assert handed_in.git(folder, "ls-tree", "--name-only", "homework_1") == "a"
