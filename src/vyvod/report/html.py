"""The report as one HTML file that needs no network: pictures, styles and the script are inside it."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vyvod.report.document import Document, Gallery
from vyvod.report.figures import svg
from vyvod.report.gallery import ROLES, read_image
from vyvod.report.text import Words

_LARGEST_SIDE = 320
_SMALL_SIDE = 96
"""Pixels: images up to this size stay exact and are enlarged as squares; larger photos are made smaller."""


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
    environment.tests["link"] = lambda part: getattr(part, "address", "").startswith(("https://", "http://"))
    environment.globals.update(say=words.say, kind=lambda block: type(block).__name__, cards=_cards)
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


def _cards(gallery: Gallery) -> list[dict[str, Any]]:
    return [{"card": card, **_picture(card.file), "role": ROLES.index(card.role)} for card in gallery.cards]


def _picture(path: Path) -> dict[str, Any]:
    image = read_image(path)
    small = max(image.size) <= _SMALL_SIDE
    buffer = io.BytesIO()
    if small:
        image.save(buffer, format="PNG", optimize=True)
    else:
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
        image.save(buffer, format="JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode()
    return {"source": f"data:image/{'png' if small else 'jpeg'};base64,{data}", "small": small}
