"""Whether a picture opens and shows anything; it may be of any size and meant to do harm."""

import io
import warnings
from pathlib import PurePosixPath

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from PIL import Image, ImageStat, UnidentifiedImageError

from vyvod.coursework.flat import on_white

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg")
PIXELS = 40_000_000
"""Of the largest picture that is opened."""
_SPREAD = 1.0
"""Standard deviation of grey values, of 255, below which there is nothing to see."""
_DRAWING = {"path", "line", "polyline", "polygon", "rect", "circle", "ellipse", "text", "use", "image"}
_LFS = b"version https://git-lfs.github.com/spec/"


def is_pointer(content: bytes) -> bool:
    """Whether a file is the pointer that Git LFS puts in place of the real one."""
    return len(content) < 1024 and content.startswith(_LFS)


def fault(content: bytes) -> str | None:
    """What is wrong with a picture, in a few words; None where it opens and is not blank."""
    if not content or is_pointer(content):
        return "is a pointer of Git LFS, the picture itself is not in the repository" if content else "is empty"
    return _svg_fault(content) if b"<svg" in content[:4096].lower() else _raster_fault(content)


def _raster_fault(content: bytes) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > PIXELS:
                    return f"is larger than can be shown ({picture.width} × {picture.height} pixels)"
                picture.draft("L", (512, 512))  # of a large JPEG only what is needed
                flat = on_white(picture)
    except UnidentifiedImageError:
        return "is no PNG, JPEG, GIF, WebP or SVG, whatever its name says"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "is larger than can be shown"
    except Exception as error:
        return f"does not open ({str(error)[:80] or type(error).__name__})"
    return "is blank: all of it has one colour" if max(ImageStat.Stat(flat).stddev) < _SPREAD else None


def _svg_fault(content: bytes) -> str | None:
    try:
        root = fromstring(content, forbid_dtd=False)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return "does not open: it is no well-formed SVG"
    names = {str(element.tag).rpartition("}")[2] for element in root.iter()}
    return None if names & _DRAWING else "is blank: nothing is drawn in it"


def is_picture(path: str) -> bool:
    """Whether a name is that of a picture."""
    return PurePosixPath(path.casefold()).suffix in SUFFIXES
