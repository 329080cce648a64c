"""Markdown that stays what it was meant to be."""

import pytest

from vyvod.report.document import Cell, Column, Document, Link, Paragraph, Strong, Table
from vyvod.report.readme import code, escape, render
from vyvod.report.text import Words

WORDS = Words("en")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>", "&lt;script&gt;"),
        ("a | b", "a &#124; b"),
        ("`x`", r"\`x\`"),
        ("*a* [b](c)", r"\*a\* \[b\](c)"),
        ("_a_ and snake_case", r"\_a\_ and snake_case"),
        ("$x^2$", r"\$x^2\$"),
        ("a\nb", "a b"),
        ("R&D", "R&amp;D"),
        ("Größe Щётка", "Größe Щётка"),
    ],
)
def test_escape(text: str, expected: str) -> None:
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "`a`"), ("a`b", "`` a`b ``"), ("a|b", "<code>a&#124;b</code>"), ("|`<", "<code>&#124;&#96;&lt;</code>")],
)
def test_code(text: str, expected: str) -> None:
    assert code(text) == expected


def written(*blocks: object) -> str:
    return render(Document("en", "Title", "by", list(blocks), [], "end"), WORDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# no heading", "\\# no heading"),
        ("1. no list", "1\\. no list"),
        ("- no list", "\\- no list"),
        ("= 3", "\\= 3"),
    ],
)
def test_the_start_of_a_paragraph(text: str, expected: str) -> None:
    assert f"\n\n{expected}\n\n" in written(Paragraph((text,)))


def test_a_sentence_is_escaped_only_at_its_start() -> None:
    assert "F1 = **0.9** - good" in written(Paragraph(("F1", " = ", Strong("0.9"), " - good")))


def test_an_address_that_would_run_code_is_only_text() -> None:
    assert "javascript" not in written(Paragraph((Link("x", "javascript:alert(1)"),)))
    assert "[x](https://a.example/b%20%28c%29)" in written(Paragraph((Link("x", "https://a.example/b (c)"),)))


def test_every_row_of_a_table_has_as_many_cells() -> None:
    rows = [[Cell(("a | b",)), Cell(("1",))], [Cell((r"c \| d",)), Cell(("2",))]]
    lines = [
        line
        for line in written(Table("t", [Column("x"), Column("y", numeric=True)], rows)).splitlines()
        if line.startswith("|")
    ]
    assert [line.count("|") for line in lines] == [3, 3, 3, 3]
