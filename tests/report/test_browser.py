"""The page in a real browser, as a person meets it."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from vyvod.report import html
from vyvod.report.reading import read_run
from vyvod.report.sections import document
from vyvod.report.settings import ReportSettings
from vyvod.report.text import Words

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(
    finished: Path,
    hundred: Path,
    scenes: Path,
    cells: Path,
    forty: Path,
    coco: Path,
    trees: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """The reports, as addresses."""
    made = {}
    for name, source, language in (
        ("ten", finished, "en"),
        ("hundred", hundred, "ru"),
        ("scenes", scenes, "en"),
        ("cells", cells, "ru"),
        ("forty", forty, "en"),
        ("coco", coco, "en"),
        ("trees", trees, "ru"),
    ):
        folder = Path(shutil.copytree(source, tmp_path_factory.mktemp("pages") / name))
        settings = ReportSettings(language=language)
        made[name] = folder / "report.html"
        made[name].write_text(
            html.render(document(read_run(folder), settings), Words(settings.language)), encoding="utf-8"
        )
    return made


@pytest.fixture
def opened(browser: Browser, pages: dict[str, Path]) -> Iterator[Page]:
    """The report of ten classes on a desktop; ends with an error if the page complained or asked for anything."""
    yield from visit(browser, pages["ten"], width=1280, scheme="light")


@pytest.fixture
def masked(browser: Browser, pages: dict[str, Path]) -> Iterator[Page]:
    """The report of the street scenes on a desktop."""
    yield from visit(browser, pages["scenes"], width=1280, scheme="light")


@pytest.fixture
def boxed(browser: Browser, pages: dict[str, Path]) -> Iterator[Page]:
    """The report of a detector with 80 classes on a desktop."""
    yield from visit(browser, pages["coco"], width=1280, scheme="light")


def visit(browser: Browser, path: Path, *, width: int, scheme: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:")) else complaints.append(request.url),
    )
    page.goto(path.as_uri())
    yield page
    page.close()
    assert complaints == []


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def visible_cards(page: Page) -> int:
    return page.locator(".card:visible").count()


def test_filters_show_and_count(opened: Page) -> None:
    right, wrong = (opened.locator(f".card[data-outcome={name}]").count() for name in ("right", "wrong"))
    assert right + wrong == 50
    labels = opened.locator("button[data-outcome] b")
    assert labels.all_inner_texts() == ["50", str(right), str(wrong)]
    assert visible_cards(opened) == 20
    opened.get_by_role("button", name="Show all").click()
    assert visible_cards(opened) == 50
    opened.get_by_role("button", name="Wrong").click()
    assert visible_cards(opened) == wrong
    assert opened.get_by_role("button", name="Wrong").get_attribute("aria-pressed") == "true"
    assert opened.locator("output").inner_text() == f"shown: {wrong} of 50"


def test_filter_by_class(opened: Page) -> None:
    opened.select_option("select", "Shirt")
    shirts = opened.locator(".card[data-tags='[\"Shirt\"]']")
    assert 0 < visible_cards(opened) == shirts.count() < 50
    counts = [int(text) for text in opened.locator("button[data-outcome] b").all_inner_texts()]
    assert counts[0] == shirts.count() == counts[1] + counts[2]
    opened.get_by_role("button", name="Right").click()
    assert visible_cards(opened) == counts[1]


def test_theme(opened: Page) -> None:
    light = background(opened)
    ink = "getComputedStyle(document.querySelector('figure svg text')).fill"
    letters = opened.evaluate(ink)
    opened.get_by_role("button", name="Light / dark").click()
    assert background(opened) != light
    assert opened.evaluate(ink) != letters
    opened.get_by_role("button", name="Light / dark").click()
    assert background(opened) == light


def test_dark_where_the_system_is_dark(browser: Browser, pages: dict[str, Path]) -> None:
    for page in visit(browser, pages["ten"], width=1280, scheme="dark"):
        assert background(page) == "rgb(15, 20, 26)"


@pytest.mark.parametrize("name", ["ten", "hundred", "scenes", "cells", "forty", "coco", "trees"])
def test_no_sideways_scrolling_on_a_phone(browser: Browser, pages: dict[str, Path], name: str) -> None:
    for page in visit(browser, pages[name], width=360, scheme="light"):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator("nav summary").click()
        page.locator("nav a").last.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_sorting(opened: Page) -> None:
    table = opened.locator("#classes table")
    names = table.locator("tbody th")
    head = table.get_by_role("button", name="F1")
    before = names.all_inner_texts()
    head.click()
    values = [float(text) for text in table.locator("tbody td:nth-child(5)").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    head.click()
    values = [float(text) for text in table.locator("tbody td:nth-child(5)").all_inner_texts()]
    assert values == sorted(values)
    table.get_by_role("button", name="№").click()
    assert names.all_inner_texts() == before


def test_small_images_are_enlarged_as_squares(opened: Page) -> None:
    image = opened.locator(".card img").first
    assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    assert image.evaluate("image => image.naturalWidth") == 28


def test_letters_stand_out_enough(opened: Page) -> None:
    """WCAG 2.2, AA: 4.5 : 1, in both themes."""
    for theme in ("light", "dark"):
        opened.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        for letters in (
            "--ink",
            "--muted",
            "--accent",
            "--right",
            "--wrong",
            "--fig-muted",
            "--fig-orange",
            "--fig-green",
        ):
            for ground in ("--surface", "--page", "--soft", "--warn-back")[: 4 if letters == "--ink" else 3]:
                assert contrast(opened, letters, ground) >= 4.5, (theme, letters, ground)


def contrast(page: Page, letters: str, ground: str) -> float:
    bright, dark = sorted((luminance(page, letters), luminance(page, ground)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(page: Page, name: str) -> float:
    colour = str(page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('{name}').trim()"))
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_masks_are_filtered_by_role(masked: Page) -> None:
    assert masked.locator(".card").count() == 12
    assert visible_cards(masked) == 10
    masked.get_by_role("button", name="Show all").click()
    assert visible_cards(masked) == 12
    assert masked.locator("button[data-outcome] b").all_inner_texts() == ["12", "6", "2", "2", "2"]
    masked.get_by_role("button", name="Worst").click()
    assert visible_cards(masked) == 2


def test_masks_are_filtered_by_the_classes_that_occur(browser: Browser, pages: dict[str, Path]) -> None:
    for page in visit(browser, pages["forty"], width=1280, scheme="light"):
        page.get_by_role("button", name="Show all").click()
        tags = [json.loads(card.get_attribute("data-tags") or "") for card in page.locator(".card").all()]
        counts = Counter(name for names in tags for name in names)
        for name in (counts.most_common()[-1][0], "<script>alert('class')</script>"):
            page.select_option("select.tags", name)
            assert visible_cards(page) == counts[name]
        assert counts.most_common()[-1][1] < len(tags)


def test_masks_are_sorted_by_dice(masked: Page) -> None:
    masked.get_by_role("button", name="Show all").click()
    drawn = masked.locator(".card .verdict b").all_inner_texts()
    masked.select_option("select.order", "ascending")
    assert masked.locator(".card .verdict b").all_inner_texts() == sorted(drawn)
    masked.select_option("select.order", "descending")
    assert masked.locator(".card .verdict b").all_inner_texts() == sorted(drawn, reverse=True)
    masked.select_option("select.order", "stored")
    assert masked.locator(".card .verdict b").all_inner_texts() == drawn


def test_a_pointer_reads_the_classes(masked: Page, scenes: Path) -> None:
    from PIL import Image

    record = {example["id"]: example for example in json.loads((scenes / "examples.json").read_text(encoding="utf-8"))}
    names = json.loads((scenes / "run.json").read_text(encoding="utf-8"))["data"]["classes"]
    card = masked.locator(".card").first
    example = record[card.locator(".name").inner_text()]
    frame = card.locator(".frame").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box is not None
    truth, predicted = (Image.open(scenes / example[kind]) for kind in ("truth", "predicted"))
    for x, y in ((0.1, 0.3), (0.5, 0.9), (0.9, 0.2)):
        masked.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        true, answer = (names[int(mask.getpixel((480 * x, 360 * y)))] for mask in (truth, predicted))
        assert card.locator(".probe").inner_text() == f"truth: {true} · prediction: {answer}"
    masked.mouse.move(0, 0)
    assert card.locator(".probe").inner_text() == ""


def test_masks_fade_and_grow(masked: Page) -> None:
    card = masked.locator(".card").first
    layer, errors = card.locator(".truth .layer"), card.locator(".errors .layer")
    opacity = "image => Number(getComputedStyle(image).opacity)"
    assert layer.evaluate(opacity) == 0.7
    masked.locator(".fade input").fill("100")
    assert layer.evaluate(opacity) == 1
    assert card.locator(".truth .under").evaluate("image => getComputedStyle(image).visibility") == "hidden"
    assert errors.evaluate(opacity) == 1
    narrow = layer.bounding_box()
    card.get_by_role("button", name="Enlarge").click()
    wide = layer.bounding_box()
    assert narrow is not None
    assert wide is not None
    assert wide["width"] > 1.9 * narrow["width"]
    assert wide["height"] / wide["width"] == pytest.approx(0.75, abs=0.01)


def test_masks_lie_exactly_on_their_photo(browser: Browser, pages: dict[str, Path]) -> None:
    for page in visit(browser, pages["cells"], width=1280, scheme="dark"):
        card = page.locator(".card").first
        for kind in ("truth", "predicted", "errors"):
            layer, under = card.locator(f".{kind} .layer"), card.locator(f".{kind} .under")
            assert layer.bounding_box() == under.bounding_box()
            assert layer.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"


def test_classes_sort_by_their_pixels(masked: Page) -> None:
    table = masked.locator("#classes table")
    table.get_by_role("button", name="support, pixels").click()
    assert table.locator("tbody th").first.inner_text() in ("road", "building")


def test_boxes_are_switched_by_kind(boxed: Page) -> None:
    for kind, label in (("right", "right detection"), ("false", "false detection"), ("missed", "missed object")):
        boxes = boxed.locator(f".card:visible .canvas g.{kind}:visible")
        assert boxes.count() > 0
        boxed.get_by_role("checkbox", name=label).uncheck()
        assert boxes.count() == 0
    truth = boxed.locator(".card:visible .canvas g.found:visible")
    assert truth.count() == 0
    boxed.get_by_role("checkbox", name="true box, found").check()
    assert truth.count() > 0


def test_labels_lie_apart_and_inside(boxed: Page) -> None:
    card = boxed.locator(".card:visible").first
    tags = [tag.bounding_box() for tag in card.locator(".tag").all()]
    area = card.locator(".canvas").bounding_box()
    assert area is not None
    assert len(tags) > 3
    for place, one in enumerate(tags):
        assert one is not None
        assert one["x"] >= area["x"] - 1
        assert one["x"] + one["width"] <= area["x"] + area["width"] + 1
        for two in tags[:place]:
            assert two is not None
            beside = one["x"] >= two["x"] + two["width"] - 0.5 or two["x"] >= one["x"] + one["width"] - 0.5
            assert beside or one["y"] >= two["y"] + two["height"] - 0.5 or two["y"] >= one["y"] + one["height"] - 0.5
    boxed.get_by_role("checkbox", name="labels").uncheck()
    assert card.locator(".tag").count() == 0


def test_a_pointer_reads_a_box(boxed: Page) -> None:
    card = boxed.locator(".card:visible").last
    box = card.locator(".canvas g:visible").last
    box.locator("rect").last.hover()
    label, kind = card.locator(".probe").inner_text().split(" · ")
    assert label == box.get_attribute("data-label")
    assert kind in ("right detection", "false detection", "missed object")
    boxed.mouse.move(0, 0)
    assert card.locator(".probe").inner_text() == ""


def test_boxes_of_other_classes_are_hidden(boxed: Page) -> None:
    shown = boxed.locator(".card:visible .canvas g:visible")
    boxed.select_option("select.tags", "person")
    names = set(shown.evaluate_all("boxes => boxes.map((box) => box.dataset.class)"))
    assert names == {"person"}
    boxed.select_option("select.tags", index=0)
    names = set(shown.evaluate_all("boxes => boxes.map((box) => box.dataset.class)"))
    assert len(names) > 1


def test_boxes_lie_on_what_they_show(boxed: Page, coco: Path) -> None:
    record = {example["id"]: example for example in json.loads((coco / "examples.json").read_text(encoding="utf-8"))}
    card = boxed.locator(".card:visible").first
    example = record[card.locator(".name").inner_text()]
    boxed.get_by_role("checkbox", name="true box, found").check()
    area = card.locator(".canvas").bounding_box()
    largest = max(
        example["predicted"], key=lambda part: (part["box"][2] - part["box"][0]) * (part["box"][3] - part["box"][1])
    )
    label = f" {largest['score']:.2f}"
    box = card.locator(f'.canvas g[data-label$="{label}"] rect.halo').first.bounding_box()
    assert area is not None
    assert box is not None
    times = area["width"] / example["size"][1]
    assert box["x"] - area["x"] == pytest.approx(times * largest["box"][0], abs=3)
    assert box["y"] - area["y"] == pytest.approx(times * largest["box"][1], abs=3)
    card.get_by_role("button", name="Enlarge").click()
    wide = card.locator(".canvas").bounding_box()
    assert wide is not None
    assert wide["width"] > 1.8 * area["width"]


def test_boxes_are_sorted_by_f1(boxed: Page) -> None:
    boxed.get_by_role("button", name="Show all").click()
    boxed.select_option("select.order", "ascending")
    values = boxed.locator(".card .verdict b").all_inner_texts()
    assert values == sorted(values)


def test_masks_of_detections_are_switched(browser: Browser, pages: dict[str, Path]) -> None:
    for page in visit(browser, pages["trees"], width=1280, scheme="dark"):
        masks = page.locator(".pixels:visible")
        assert masks.count() == 6
        assert masks.first.evaluate("image => getComputedStyle(image).backgroundColor") == "rgba(0, 0, 0, 0)"
        photo = page.locator(".photo").first.bounding_box()
        assert photo == masks.first.bounding_box()
        page.get_by_role("checkbox", name="маски").uncheck()
        assert masks.count() == 0


def test_an_experiment_in_the_browser(browser: Browser, finished: Path, tmp_path: Path) -> None:
    """Fixed and broken images are filtered, and a phone needs no sideways scrolling."""
    from tests.report import experiments

    from vyvod.report.report import write_experiment_report

    for name in ("a", "b"):
        shutil.copytree(finished, tmp_path / "runs" / name)
    ids = [entry["id"] for entry in json.loads((finished / "examples.json").read_text(encoding="utf-8"))]
    flips = {
        outcome: [{"id": each, "baseline_right": right, "idea_right": 1 - right} for each in chosen]
        for outcome, right, chosen in (("fixed", 0, ids[:4]), ("broken", 1, ids[4:6]))
    }
    arms = [experiments.arm(name, [f"runs/{name}"], [0.8]) for name in ("a", "b")]
    facts = {"changes": [], "comparison": experiments.comparison(*arms), "flips": flips}
    folder = experiments.write(tmp_path, "x", arms[0] | {"name": "baseline"}, [arms[1] | facts])
    write_experiment_report(folder, ReportSettings(language="ru"))
    for page in visit(browser, folder / "report.html", width=360, scheme="dark"):
        assert visible_cards(page) == 6
        page.get_by_role("button", name="Испорчено идеей").click()
        assert visible_cards(page) == 2
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator(".verdict-box .badge.none").is_visible()
