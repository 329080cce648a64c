"""The report as one HTML file that needs no network: pictures, styles and the script are inside it."""

import base64
import hashlib
import io
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from vyvod.report.document import Document
from vyvod.report.figures import svg
from vyvod.report.text import Words

_LARGEST_SIDE = 320
"""Pixels: larger images of cards with one image are made smaller."""
_EXACT_SIDE = 96
"""Pixels: images up to this size stay exact."""
_BOXED_SIDE = 800
"""Pixels: larger photos under boxes are made smaller, since boxes fit a photo of any size."""
_TINY_SIDE = 160
"""Pixels: images up to this size are enlarged as squares."""


def render(document: Document, words: Words) -> str:
    """The report as an HTML page. Every text is escaped; its policy forbids it to load anything from anywhere."""
    environment = Environment(
        loader=PackageLoader("vyvod", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = lambda picture: Markup(svg(picture.figure, picture.name))  # noqa: S704  made by matplotlib, which escapes
    environment.filters["address"] = lambda page: f"{quote(page.folder)}/report.html"
    environment.tests["link"] = lambda part: getattr(part, "address", "").startswith(("https://", "http://"))
    environment.globals.update(
        say=words.say, kind=lambda block: type(block).__name__, picture=_picture, photo=_photo, boxed=_boxed, mask=_mask
    )
    script = environment.get_template("report.js").render().strip()
    page = environment.get_template("report.html.jinja").render(
        document=document,
        style=Markup(_source(environment, "report.css")),  # noqa: S704  our own file
        script=Markup(script),  # noqa: S704  our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return page.strip() + "\n"


def _source(environment: Environment, name: str) -> str:
    return environment.get_template(name).render().strip()


def _picture(image: Image.Image) -> dict[str, Any]:
    """The RGB image of a card: tiny ones exact, larger ones as a JPEG of their own size or less."""
    small = max(image.size) <= _EXACT_SIDE
    if not small:
        image = image.copy()
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    source = _address(image, "PNG", optimize=True) if small else _address(image, "JPEG", quality=85)
    return {"source": source, "tiny": small}


def _photo(image: Image.Image) -> dict[str, Any]:
    """The RGB image under masks: in full, so that they fit."""
    tiny = max(image.size) <= _TINY_SIDE
    return {"source": _address(image, "JPEG", quality=92 if tiny else 82), "tiny": tiny}


def _boxed(image: Image.Image) -> dict[str, Any]:
    """The RGB image under boxes."""
    small = image.copy()
    small.thumbnail((_BOXED_SIDE, _BOXED_SIDE))
    return _photo(small)


def _mask(image: Image.Image) -> str:
    return _address(image, "PNG", optimize=True)


def _address(image: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
