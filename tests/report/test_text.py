"""Words and numbers of both languages."""

from string import Formatter

import pytest

from vyvod.report import text
from vyvod.report.text import TEXTS, UNKNOWN, Words, russian_form
from vyvod.report.texts import classification, coursework, detection, experiment, reconstruction, segmentation, shared

EN, RU = Words("en"), Words("ru")
SPACE = "\u00a0"


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_the_same_things(key: str) -> None:
    english, russian = TEXTS[key]
    assert english
    assert russian
    assert fields(english) == fields(russian)


def test_no_part_overwrites_the_words_of_another() -> None:
    tables = [shared, classification, segmentation, detection, reconstruction, experiment, coursework]
    assert sum(len(table.TEXTS) for table in tables) == len(TEXTS)


@pytest.mark.parametrize("table", [text.METRICS, text.SHORT_METRICS, text.CURVES, text.LOSS_PARTS, text.AUDIT])
def test_tables_of_names_have_both_languages(table: dict[str, tuple[str, str]]) -> None:
    assert all(english and russian for english, russian in table.values())


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 эпох"),
        (1, "1 эпоха"),
        (2, "2 эпохи"),
        (4, "4 эпохи"),
        (5, "5 эпох"),
        (11, "11 эпох"),
        (12, "12 эпох"),
        (14, "14 эпох"),
        (21, "21 эпоха"),
        (22, "22 эпохи"),
        (100, "100 эпох"),
        (101, "101 эпоха"),
        (111, "111 эпох"),
        (1003, "1 003 эпохи"),
    ],
)
def test_russian_plural(number: int, expected: str) -> None:
    assert RU.count(number, "epoch").replace(SPACE, " ") == expected
    assert russian_form(number) in (0, 1, 2)


def test_english_plural() -> None:
    assert EN.count(1, "epoch") == f"1{SPACE}epoch"
    assert EN.count(1800, "image") == f"1,800{SPACE}images"


def test_after_a_preposition() -> None:
    assert RU.count(1, "image_on").endswith("изображении")
    assert RU.count(500, "image_on").endswith("изображениях")
    assert RU.count(21, "class_of").endswith("класса")
    assert RU.count(10, "class_of").endswith("классов")


def test_decimals_and_thousands() -> None:
    assert EN.number(1234.5678, 2) == "1,234.57"
    assert RU.number(1234.5678, 2) == f"1{SPACE}234,57"
    assert EN.percent(0.8725) == "87.2%"
    assert RU.percent(0.8725) == f"87,2{SPACE}%"
    assert RU.tick(0.25) == "0,25"
    assert EN.tick(1e-5) == "1e-05"
    assert RU.large(94410) == f"94,4{SPACE}тыс."
    assert EN.large(11173962) == f"11.2{SPACE}M"


@pytest.mark.parametrize("language", [EN, RU])
def test_unknown_values_are_a_dash(language: Words) -> None:
    nan = float("nan")
    for show in (language.number, language.percent, language.duration, language.memory, language.large):
        assert show(None) == UNKNOWN
        assert show(nan) == UNKNOWN
    assert language.date(None) == UNKNOWN


def test_times_and_sizes() -> None:
    assert EN.duration(2.4) == f"2.40{SPACE}s"
    assert EN.duration(28.8) == f"28.8{SPACE}s"
    assert RU.duration(125) == f"2{SPACE}мин 5{SPACE}с"
    assert EN.duration(2 * 3600 + 59 * 60 + 59) == f"2{SPACE}h 59{SPACE}min"
    assert EN.memory(679 * 2**20) == f"679{SPACE}MiB"
    assert RU.memory(25 * 2**30) == f"25,0{SPACE}ГиБ"
    assert RU.date("2026-11-23T19:53:32+00:00") == "23.11.2026"
    assert EN.date("not a time") == "not a time"


def test_a_text_keeps_its_parts() -> None:
    from vyvod.report.document import Code

    parts = EN.text("settings_lead", file=Code("settings.yaml"))
    assert parts == ("The merged settings, as in ", Code("settings.yaml"), ".")


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, "0%"), (1, "100%"), (0.314, "31.4%"), (0.0123, "1.2%"), (0.00034, "0.03%"), (0.000001, "<0.01%")],
)
def test_shares_that_differ_much(share: float, expected: str) -> None:
    assert EN.share(share) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(999, "999"), (999_499, "999 k"), (999_950, "1 M"), (1_234_567, "1.23 M"), (1e11, "100 G"), (3.4e12, "3.4 T")],
)
def test_large_numbers(number: float, expected: str) -> None:
    assert EN.large(number).replace(SPACE, " ") == expected
