"""The write-up of an experiment, from folders to its two pages."""

import json
import math
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report import detections, experiments, masks
from tests.report.conftest import HOSTILE, hundred_names, make_run

from vyvod.errors import RunError
from vyvod.report import html, readme
from vyvod.report.experiment import curves, page
from vyvod.report.experiment.digits import Estimate, amount, decimals, p_value, plain, signed
from vyvod.report.experiment.own import END, START, read_own
from vyvod.report.experiment.reading import read_experiment
from vyvod.report.report import write_experiment_report, write_overview
from vyvod.report.settings import ReportSettings
from vyvod.report.text import Words

EN, RU = ReportSettings(), ReportSettings(language="ru")
WORDS = {"en": Words("en"), "ru": Words("ru")}
BASE, BETTER = [0.8712, 0.8654, 0.8699, 0.8731, 0.8676], [0.8823, 0.8791, 0.8846, 0.8779, 0.8831]
CLASSES = ("cat", "dog", "a | b", "<script>alert('class')</script>")
Make = Callable[..., Path]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run; not to be changed."""
    return make_run(tmp_path_factory.mktemp("source") / "run", names=CLASSES, epochs=6)


@pytest.fixture(scope="module")
def runs(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with ``runs/``: three of a baseline and three of an idea; not to be changed."""
    root = tmp_path_factory.mktemp("repository")
    for place, arm in enumerate(("baseline", "idea")):
        for seed in range(3):
            name = f"runs/x-{arm}-seed{seed}"
            experiments.clone_run(source, root / name, seed=seed + 50 * place, faster=0.1 * place)
    return root


@pytest.fixture
def make(runs: Path, tmp_path: Path) -> Make:
    """An experiment over these runs with one idea; every part of it can be replaced."""

    def made(
        name: str = "soft",
        *,
        values: Any = (BASE, BETTER),
        verdict: Any = None,
        idea: Any = None,
        why: str | None = None,
        **registered: Any,
    ) -> Path:
        (tmp_path / "runs").exists() or (tmp_path / "runs").symlink_to(runs / "runs")
        arms = [
            experiments.arm(label, [f"runs/x-{label}-seed{seed}" for seed in range(len(part))], part)
            for label, part in zip(("baseline", "idea"), values, strict=True)
        ]
        facts: dict[str, Any] = {
            "changes": [{"key": "training.label_smoothing", "before": 0.0, "after": 0.1}],
            "also_changed": [],
            "comparison": experiments.comparison(arms[0], arms[1], **(verdict or {})),
            "metrics": experiments.rows_of(["accuracy", "f1", "loss"], 0.01, key="name"),
            "per_class": experiments.rows_of(CLASSES, 0.01, key="class"),
        }
        registered |= {} if why is None else {"idea": why}
        return experiments.write(tmp_path, name, arms[0], [arms[1] | facts | (idea or {})], **registered)

    return made


def written(folder: Path, settings: ReportSettings = EN) -> str:
    """README.md without its pictures, no-break spaces as spaces."""
    words = WORDS[settings.language]
    report = page.document(read_experiment(folder), settings, read_own(folder / "README.md", words))
    return readme.render(report, words).replace("\u00a0", " ").replace("\\[", "[").replace("\\]", "]")


def paged(folder: Path, settings: ReportSettings = EN) -> str:
    words = WORDS[settings.language]
    report = page.document(read_experiment(folder), settings, read_own(folder / "README.md", words))
    return html.render(report, words)


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


# Digits


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (0.0123, 3), (0.012, 3), (0.0085, 4), (0.00996, 3), (0.0996, 2), (0.5, 2), (1.0, 1), (4.2, 1), (9.96, 0), (12, 0),
        (250, -1), (None, 4), (0.0, 4), (math.nan, 4), (math.inf, 4), (1e-9, 6),
    ],
)  # fmt: skip
def test_two_digits_of_the_half_width(half: float | None, expected: int) -> None:
    assert decimals(half) == expected


def test_value_and_bounds_have_the_same_digits() -> None:
    known = Estimate(0.01199, 0.00771, 0.01627)
    assert known.full(WORDS["en"], sign=True) == "+0.0120 [0.0077, 0.0163]"
    assert known.full(WORDS["ru"], sign=True) == "+0,0120 [0,0077; 0,0163]"
    assert Estimate(-0.913371, -1.2, -0.6).full(WORDS["en"]) == "−0.91 [−1.20, −0.60]"
    assert Estimate(0.8, None, None).full(WORDS["en"]) == "0.8000"
    assert Estimate(None).full(WORDS["en"]) == "—"
    assert Estimate(1234.0, 984.0, 1484.0).number(WORDS["en"]) == "1,230"


def test_signs() -> None:
    assert plain(-0.0004, 3, WORDS["en"]) == "0.000"
    assert signed(0.0004, 3, WORDS["en"]) == "0.000"
    assert signed(0.0006, 3, WORDS["en"]) == "+0.001"
    assert p_value(0.0004, WORDS["ru"]).replace("\u00a0", " ") == "p < 0,001"
    assert p_value(0.0123, WORDS["en"]).replace("\u00a0", " ") == "p = 0.012"
    assert p_value(0.41, WORDS["en"], bare=True) == "0.41"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10, "10 эпох"), (1, "1 эпоху"), (2.0, "2 эпохи"), (2.4, "2,4 эпохи"), (5.04, "5 эпох"), (20.6, "21 эпоху"),
     (0.3, "0,3 эпохи"), (11.2, "11 эпох"), (22, "22 эпохи")],
)  # fmt: skip
def test_by_how_many_epochs(value: float, expected: str) -> None:
    assert amount(value, "epoch_by", WORDS["ru"]).replace("\u00a0", " ") == expected


# The page


def test_sections_stand_in_the_agreed_order(make: Make) -> None:
    folder = make(idea={"time_to_target": experiments.target([5, 4, 6, 5, 5], [3, 3, 2, 3, 4])})
    assert re.findall(r"^## (.*)$", written(folder), flags=re.MULTILINE) == [
        "Goal and idea", "What was changed", "Results: training curves", "Comparison with the baseline", "Differences by class",
        "Time to target", "Cost", "Conclusions", "All runs", "Method", "How to repeat",
    ]  # fmt: skip


def test_better_in_both_languages(make: Make) -> None:
    folder = make(verdict={"verdict": "better"})
    text, russian = written(folder), written(folder, RU)
    assert "> [!TIP]\n> **Better**. `idea` is better than the baseline: macro F1 on test is higher" in text
    assert "the difference is +0.0120 [0.0077, 0.0162]." in text
    assert (
        "| **0.8694 [0.8657, 0.8732]** | **0.8814 [0.8779, 0.8849]** | **+0.0120 [0.0077, 0.0162]** | **±0.005** |"
        in text
    )
    assert (
        "**Лучше**. Идея `idea` лучше baseline: F1 (macro) на test выше, разница +0,0120 [0,0077; 0,0162]." in russian
    )
    assert "Цель достигнута: идея лучше baseline, и весь интервал разницы лежит дальше порога 0,005." in russian
    assert (
        "Сравнены 5 запусков baseline и 5 запусков идеи `idea` по метрике «F1 (macro)» на выборке test датасета"
        in russian
    )
    assert not re.search(r"\b0\.\d", section(russian, "Выводы"))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0.012, 0.006, 0.018), "the whole interval lies beyond the margin"),
        ((0.012, 0.001, 0.023), "the estimated difference reaches the margin"),
        ((0.004, 0.001, 0.007), "the estimated difference is below the margin"),
        ((0.002, 0.001, 0.003), "the whole interval lies below the margin"),
    ],
)
def test_what_a_gain_means_for_the_goal(make: Make, bounds: tuple[float, float, float], expected: str) -> None:
    difference, low, high = bounds
    folder = make(verdict={"verdict": "better", "difference": difference, "low": low, "high": high})
    assert expected in section(written(folder), "Conclusions")


def test_worse_where_lower_is_better(make: Make) -> None:
    folder = make(
        values=([0.30, 0.31, 0.32], [0.40, 0.41, 0.42]), verdict={"verdict": "worse"},
        goal={"metric": "loss", "direction": "down", "margin": 0.02},
    )  # fmt: skip
    text, russian = written(folder), written(folder, RU)
    assert "`idea` is worse than the baseline: loss on test is higher, the difference is +0.100 [" in text
    assert "The goal is missed: the idea is worse, and the whole interval lies beyond the margin of 0.02." in text
    assert "Идея `idea` хуже baseline: функция потерь на test выше" in russian
    assert "Цель: снизить значение метрики «функция потерь» на выборке test." in russian


def test_undecided_says_how_many_seeds_and_never_no_effect(make: Make) -> None:
    near = [0.8702, 0.8711, 0.8688, 0.8761, 0.8641]
    folder = make(values=(BASE, near), verdict={"verdict": "undecided", "seeds_needed": 21})
    text, russian = written(folder), written(folder, RU)
    assert "**Undecided**" in text
    assert "the interval contains 0 and reaches beyond ±0.005. About 21 runs in each arm would decide." in text
    assert "интервал содержит 0 и выходит за ±0,005. Для вывода нужно около 21 запуска в каждой группе." in russian
    assert "данные согласуются и с разницей −0,00" in russian
    for forbidden in ("no effect", "нет эффекта", "эффекта нет", "не влияет"):
        assert forbidden not in text + russian


def test_undecided_because_of_the_test_split(make: Make) -> None:
    unsure = {"verdict": "undecided", "limited_by_test_set": True, "low": -0.02, "high": 0.03,
              "components": {"baseline": 1e-6, "idea": 1e-6, "test_set": 1e-4}}  # fmt: skip
    russian = written(make(verdict=unsure), RU)
    assert "Новые запуски этого не изменят" in russian
    assert "тестовой выборки — 98 % дисперсии разницы" in russian
    assert "бо́льшая тестовая выборка" in russian


def test_equivalent(make: Make) -> None:
    folder = make(verdict={"verdict": "equivalent", "difference": 0.0004, "low": -0.0021, "high": 0.0029})
    russian = written(folder, RU)
    assert "Идея `idea` равноценна baseline в пределах порога" in russian
    assert "Если различие и есть, оно меньше порога 0,005" in russian


def test_fewer_than_three_seeds(make: Make) -> None:
    folder = make(values=(BASE, [0.88, 0.89]), verdict={"low": 0.001, "high": 0.03})
    text, russian = written(folder), written(folder, RU)
    assert "**No verdict**. There is no verdict on `idea`: an interval that can be trusted needs at least 3" in text
    assert "it must not be read as a result" in text
    assert "требует не меньше 3 завершённых запусков в каждой группе, а их 5 у baseline и 2 у идеи." in russian
    assert "лучше baseline" not in section(russian, "Выводы")


def test_nothing_finished(make: Make) -> None:
    folder = make(
        values=([None, None], [None, None]), verdict={"reason": "no_values"}, idea={"metrics": [], "per_class": []}
    )
    text = written(folder, RU)
    assert "нет ни одного завершённого запуска со значением метрики «F1 (macro)»" in text
    assert "Не завершено запусков: 4 из 4." in text
    assert "nan" not in text
    assert "None" not in text


def test_equal_values(make: Make) -> None:
    folder = make(
        values=([0.8] * 3, [0.8] * 3), verdict={"verdict": None, "reason": "no_variance", "low": None, "high": None}
    )
    assert "внутри групп все значения метрики «F1 (macro)» совпали" in written(folder, RU)


def test_before_the_comparison(make: Make) -> None:
    folder = make()
    (folder / "results.json").unlink()
    text = written(folder)
    assert "No results yet" in text
    assert "`training.label_smoothing` | — | `0.1`" in text
    assert "There is nothing to conclude yet" in text


def test_an_idea_that_was_not_compared(make: Make) -> None:
    assert "not compared" in written(make(idea={"comparison": None}))


def test_nan_in_the_results(make: Make) -> None:
    folder = make()
    path = folder / "results.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    results["ideas"][0]["metrics"][0] |= {"difference": math.nan, "low": math.nan, "high": math.nan, "idea": math.nan}
    results["ideas"][0]["per_class"][1] |= {"difference": None, "low": None, "high": None, "idea": None}
    path.write_text(json.dumps(results), encoding="utf-8")
    text = written(folder)
    assert "nan" not in text
    assert re.search(r"\| accuracy \| 0\.\d+ \| — \| — \| — \|", text)


def test_failed_runs_are_listed_and_mentioned(make: Make) -> None:
    folder = make(values=(BASE, [*BETTER[:4], None]), verdict={"verdict": "better"})
    russian = written(folder, RU)
    assert "Не завершено запусков: 1 из 10." in russian
    assert "| `idea` | 4 | — | — | 4 | 32,8 с | ошибка: The loss is not finite at step 12. |" in russian
    conclusions = section(russian, "Выводы")
    assert "Незавершённые запуски: 1 из 10 (idea, seed 4: ошибка: The loss is not finite at step 12)" in conclusions


def test_missing_and_damaged_run_folders_are_named(make: Make, tmp_path: Path, runs: Path) -> None:
    folder = make()  # seeds 3 and 4 have no folders
    (tmp_path / "runs").unlink()
    shutil.copytree(runs / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "x-idea-seed0" / "metrics.csv").write_text("no,columns\n1,2\n", encoding="utf-8")
    text = written(folder)
    assert "5 of 10 run folders could not be read" in text
    assert "runs/x-baseline-seed3 is not there" in text
    assert "x-idea-seed0/metrics.csv has no column 'epoch'" in text
    shutil.rmtree(tmp_path / "runs")
    assert "None of the run folders could be read, so there are no curves." in written(folder)
    assert "and 4 more" in written(folder)


def test_changed_after_registration(make: Make) -> None:
    folder = make(changed_later=["Порог был 0.005, теперь 0.001."], idea={"also_changed": ["Код различается."]})
    russian = written(folder, RU)
    assert "> [!WARNING]\n> Файл эксперимента изменён после регистрации." in russian
    assert "Порог был 0.005, теперь 0.001." in russian
    assert "зарегистрированы 24.11.2026 10:00:00 UTC, до первого запуска" in russian
    assert "поэтому приписать разницу только ей нельзя: Код различается." in section(russian, "Выводы")


def test_several_ideas_with_holm(make: Make) -> None:
    folder = make(verdict={"verdict": "better", "p_holm": 0.0021})
    path = folder / "results.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    first = results["ideas"][0]
    unsure = {"verdict": "undecided", "seeds_needed": 7, "p_holm": 0.062, "low": 0.0002, "high": 0.011}
    names = ("a | b", "<b>c</b>", "d", "e")
    results["ideas"] += [first | {"name": name, "comparison": first["comparison"] | unsure} for name in names]
    path.write_text(json.dumps(results), encoding="utf-8")
    text, russian = written(folder), written(folder, RU)
    assert "5 ideas against one baseline, in macro F1 on test. Better: `idea`; undecided: " in text
    assert "интервал не содержит 0, но с поправкой Холма на 5 идей p = 0,062" in russian
    rows = [line for line in text.splitlines() if line.startswith("| ") and "**Undecided**" in line]
    assert len(rows) == 4
    assert {line.count("|") for line in rows} == {8}
    assert all(row.endswith("| 0.062 | 7 |") for row in rows)
    assert {name for name in re.findall(r"figures/(\w+)\.png", text) if "curves" in name} == {
        "curves_metric", "curves_loss", "curves_metric_2", "curves_loss_2",
    }  # fmt: skip
    assert "the p values are corrected by Holm's method" in text
    ids = re.findall(r'\bid="([^"]+)"', paged(folder))
    assert len(ids) == len(set(ids))


def test_hostile_names_and_a_hundred_classes(make: Make) -> None:
    classes = experiments.rows_of(hundred_names(), 0.0, key="class")
    idea = "# Heading\n\n- **list** <script>alert(1)</script> [x](https://example.invalid)\n\n<!-- vyvod: end -->"
    folder = make(idea={"name": '"><img src=x onerror=alert(1)>', "per_class": classes}, why=idea)
    text, source = written(folder), paged(folder)
    tags = Tags(source).tags
    assert [tag for tag, _ in tags].count("script") == 1
    assert not any("onerror" in attributes for _, attributes in tags)
    assert "<script" not in text
    assert text.count(END) == 1
    assert "\n# Heading" not in text
    for name in HOSTILE:
        assert " ".join(name.split())[:3].replace("<", "&lt;")[:4] in source
    table = [
        line for line in section(text, "Differences by class").splitlines() if re.search(r"\| [+−0]\S* \| \[", line)
    ]
    assert len(table) == 100
    assert {line.count("|") for line in table} == {6}
    sizes = [abs(float(re.findall(r"\| ([+−]?[\d.]+) \| \[", line)[0].replace("−", "-"))) for line in table]
    assert sizes == sorted(sizes, reverse=True) or np.all(np.diff(sizes) < 0.0006)
    assert "The 20 largest differences in F1" in source


def test_classes_that_differ_are_named_with_their_numbers(make: Make) -> None:
    rows = [
        {"class": "cat", "metric": "f1", "baseline": 0.8, "idea": 0.83, "difference": 0.03, "low": 0.01, "high": 0.05},
        {
            "class": "dog",
            "metric": "f1",
            "baseline": 0.8,
            "idea": 0.79,
            "difference": -0.01,
            "low": -0.018,
            "high": -0.002,
        },
        {"class": "cow", "metric": "f1", "baseline": 0.8, "idea": 0.8, "difference": 0.0, "low": -0.01, "high": 0.01},
    ]
    russian = section(written(make(verdict={"verdict": "better"}, idea={"per_class": rows}), RU), "Выводы")
    assert "идея лучше baseline у 1 класса: «cat» +0,030 [0,010; 0,050]" in russian
    assert "идея хуже baseline у 1 класса: «dog» −0,0100 [−0,0180; −0,0020]" in russian
    assert "лежало бы в среднем 0,2 из 3" in russian
    alike = {"per_class": [rows[2], rows[2] | {"class": "ox"}]}
    none = section(written(make("none", verdict={"verdict": "better"}, idea=alike), RU), "Выводы")
    assert "Ни для одного из 2 классов интервал разницы по метрике «F1» не исключает 0." in none
    # One class is the whole: nothing is left to be said of it.
    single = section(written(make("single", verdict={"verdict": "better"}, idea={"per_class": rows[2:]}), RU), "Выводы")
    assert "Ни для одного" not in single


# Time to target


def test_time_to_target(make: Make) -> None:
    folder = make(
        verdict={"verdict": "better"},
        idea={"time_to_target": experiments.target([11, 12, None, 12, 10], [1, 2, 1, 2, 1])},
    )
    russian = written(folder, RU)
    assert "| эпохи | 4 из 5 | 5 из 5 | 11,4 | 1,4 | 8,14 | 0,008 | быстрее |" in russian
    assert "baseline достигает его в 4 запусках из 5, идея `idea` достигает его в 5 запусках из 5." in russian
    # One run of the baseline never got there: what it would have needed is not known, only that it is more.
    assert "не меньше чем на 10 эпох раньше: 1,4 против 11,4 или больше (p = 0,008). Вывод: идея быстрее." in russian
    assert "baseline reaches it in 4 of 5 runs, `idea` reaches it in 5 of 5 runs." in written(folder)
    assert "figures/speedup.png" in russian


def test_a_target_that_is_never_reached(make: Make) -> None:
    pace = experiments.target([None] * 3, [None] * 3, p=1.0, verdict="cannot")
    russian = written(make(verdict={"verdict": "undecided"}, idea={"time_to_target": pace}), RU)
    assert "baseline не достигает его ни в одном запуске из 3" in russian
    assert "запусков слишком мало для вывода" in russian
    open_end = experiments.target([11, None, 12], [None, 3, 3], p=0.4, verdict="undecided")
    both = written(make("both", verdict={"verdict": "undecided"}, idea={"time_to_target": open_end}), RU)
    assert "достигли не все запуски; если считать недостигшие с полной длиной обучения (12 эпох)" in both
    # The two points say at once of which time they speak.
    assert "- Среднее время в эпохах неизвестно" in both
    assert "- Среднее время в секундах неизвестно" in both
    assert "раньше: " not in both
    sooner = experiments.target([11, 12, 12], [1, 2, 2])
    assert "достигает его на 10 эпох раньше: 1,7 против 11,7" in written(
        make("sooner", verdict={"verdict": "better"}, idea={"time_to_target": sooner}), RU
    )
    later = experiments.target([2, 2, 2], [3, 3, 3], verdict="undecided", p=0.1)
    assert "на 1 эпоху позже: 3 против 2" in written(
        make("later", verdict={"verdict": "undecided"}, idea={"time_to_target": later}), RU
    )


# Curves


def test_mean_and_band_end_with_the_shortest_run() -> None:
    bundle = curves.Bundle("x", np.array([[1.0, 3.0, 5.0], [3.0, 5.0, np.nan]]), "blue", ())
    np.testing.assert_array_equal(bundle.mean.values, [2.0, 4.0, np.nan])
    assert bundle.complete.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("name", "label"), [("pretrained-encoder", "pretrained-encoder"), ("x" * 40, f"{'x' * 13}…{'x' * 6}")]
)
def test_the_name_of_an_arm_is_cut_only_in_the_figure(name: str, label: str) -> None:
    bundle = curves.Bundle(name, np.array([[1.0, 3.0]]), "blue", ())
    assert bundle.mean.label == label
    assert curves._ends([bundle], Words("en")).startswith(f"{name}: ")


# Pictures of what the idea mends and breaks


def test_gallery_of_a_classification(make: Make, source: Path) -> None:
    ids = [entry["id"] for entry in json.loads((source / "examples.json").read_text(encoding="utf-8"))]
    flips = {
        "fixed": [
            {"id": ids[0], "baseline_right": 1, "idea_right": 5},
            {"id": "test/none", "baseline_right": 0, "idea_right": 4},
        ],
        "broken": [{"id": ids[1], "baseline_right": 5, "idea_right": 0}],
    }
    folder = make(idea={"flips": flips})
    text, russian, source_text = written(folder), written(folder, RU), paged(folder)
    assert f"| fixed | `{ids[0]}` | right in 1 of 5 | right in 5 of 5 |" in text
    assert "| fixed | `test/none` | right in 0 of 5 |" in text
    assert "hold pictures of 2 of these 3 images" in text
    assert "исправлено идеей: 1, испорчено: 1" in russian
    assert source_text.count('class="card pair') == 2
    none = make("none", idea={"flips": {"fixed": flips["fixed"][1:], "broken": []}})
    assert "No run folder holds a picture of these images" in written(none)


def test_examples_of_both_arms_side_by_side(tmp_path: Path) -> None:
    names, classes = ("background", "cell", "wall"), ("cell", "wall", "never")
    made = {
        "segmentation": lambda folder: masks.make_segmentation_run(
            folder, masks.patchwork(4, 3, 32), names, palette=None, epochs=2
        ),
        "detection": lambda folder: detections.make_detection_run(folder, detections.squares(4, 3), classes, epochs=2),
    }
    for task, create in made.items():
        root = tmp_path / task
        source = create(root / "runs" / "a")
        shutil.copytree(source, root / "runs" / "b")
        base, idea = experiments.arm("baseline", ["runs/a"], [0.5]), experiments.arm("idea", ["runs/b"], [0.6])
        ids = [entry["id"] for entry in json.loads((source / "examples.json").read_text(encoding="utf-8"))]
        flips = {"fixed": [{"id": ids[0], "baseline": 0.5, "idea": 0.75}], "broken": []}
        facts = {"changes": [], "comparison": experiments.comparison(base, idea), "flips": flips}
        folder = experiments.write(root, "x", base, [idea | facts], task=task, goal={"metric": "loss"})
        text, page_text = written(folder), paged(folder)
        assert "mean 0.50 | mean 0.75 |" in text
        card = page_text.split('class="card pair')[1].split("</li>")[0]
        assert card.count("<img") == 3
        assert card.count("data:image/") == 3


# The person's own conclusions


def test_own_conclusions_survive_to_the_byte(make: Make) -> None:
    folder = make(verdict={"verdict": "better"})
    path = folder / "README.md"
    first = readme.render(page.document(read_experiment(folder), RU, read_own(path, WORDS["ru"])), WORDS["ru"]).encode()
    own = (
        "\r\n  Моё <b>мнение</b>: *работает* | {{ 7 * 7 }}\r\n\r\n\tsecond  \n<!-- a comment -->".encode()
        + b"\xff\xfe\n"
    )
    start, end = first.index(START.encode()) + len(START), first.rindex(END.encode())
    path.write_bytes(first[:start] + own + first[end:])
    write_experiment_report(folder, RU)
    text = path.read_bytes()
    assert text == first[:start] + own + first[end:]
    source = (folder / "report.html").read_text(encoding="utf-8")
    assert "<p>Моё &lt;b&gt;мнение&lt;/b&gt;: *работает* | {{ 7 * 7 }}</p>" in source
    assert "&lt;!-- a comment --&gt;" in source
    tags = Tags(source).tags
    for tag, attributes in tags:
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), (tag, name, value)


def test_the_invitation_follows_the_language(make: Make) -> None:
    folder = make()
    path = folder / "README.md"
    path.write_text(written(folder), encoding="utf-8")
    assert "Write your own conclusions here" in path.read_text(encoding="utf-8")
    assert "Запишите здесь свои выводы" in written(folder, RU)
    assert "Пока не записаны." in paged(folder, RU)
    changed = path.read_text(encoding="utf-8").replace(END, f"Mine.\n{END}")
    path.write_text(changed, encoding="utf-8")
    assert read_own(path, WORDS["ru"]).paragraphs == ["Mine."]
    assert "Write your own conclusions here" in written(folder, RU)


@pytest.mark.parametrize("lost", [START, END])
def test_a_lost_mark_stops_before_the_text_is_lost(make: Make, lost: str) -> None:
    folder = make()
    path = folder / "README.md"
    path.write_text(written(folder).replace(lost, ""), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(RunError, match="has lost one of the lines"):
        write_experiment_report(folder, EN)
    assert path.read_bytes() == before


def test_files_and_the_same_bytes_again(make: Make) -> None:
    folder = make()
    paths = write_experiment_report(folder, RU)
    assert paths == (folder / "README.md", folder / "report.html")
    bytes_of = {path: path.read_bytes() for path in (*paths, *(folder / "figures").iterdir())}
    named = set(re.findall(r"\]\(figures/(\w+)\.png\)", paths[0].read_text(encoding="utf-8")))
    assert named == {path.stem for path in (folder / "figures").iterdir()}
    assert named == {"curves_metric", "curves_loss", "difference", "class_differences"}
    write_experiment_report(folder, RU)
    assert all(path.read_bytes() == stored for path, stored in bytes_of.items())


def test_what_is_no_experiment(tmp_path: Path, make: Make) -> None:
    with pytest.raises(RunError, match="not the folder of an experiment"):
        write_experiment_report(tmp_path, EN)
    folder = make()
    (folder / "record.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"record\.json"):
        write_experiment_report(folder, EN)


# The page of a repository


def test_overview(make: Make, tmp_path: Path, source: Path) -> None:
    write_experiment_report(make("first", verdict={"verdict": "better"}), EN)
    experiments.change(make("second"), "record.json", ended=None)
    (tmp_path / "experiments" / "second" / "results.json").unlink()
    experiments.change(make("third"), "record.json", format=7)
    (tmp_path / "runs").unlink()
    shutil.copytree(source, tmp_path / "runs" / "alone")
    text, whole = write_overview(tmp_path, RU)
    assert text == tmp_path / "experiments" / "README.md"
    shown = text.read_text(encoding="utf-8").replace("\u00a0", " ").replace("\\", "")
    assert (
        "| [first](first/README.md) | `idea` | **Лучше** | F1 (macro) | 0,8694 (n = 5) | 0,8814 (n = 5) | +0,0120 ["
        in shown
    )
    assert "| second | `idea` | **Без вердикта** |" in shown
    assert "experiments/third: не удалось прочитать" in shown
    assert "| alone | классификация | Fashion-MNIST (mini) | plain | завершён | F1 (macro) |" in shown
    assert 'href="first/report.html"' in whole.read_text(encoding="utf-8")
    assert not (tmp_path / "README.md").exists()
    write_overview(tmp_path, EN)


def test_overview_leaves_a_foreign_readme_alone(make: Make, tmp_path: Path) -> None:
    make()
    (tmp_path / "experiments" / "README.md").write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match="was not written by this program"):
        write_overview(tmp_path, EN)
    with pytest.raises(RunError, match="neither runs/ nor experiments/"):
        write_overview(tmp_path / "experiments" / "soft", EN)
