"""Transparent pictures as a page shows them."""

from PIL import Image


def on_white(picture: Image.Image) -> Image.Image:
    """A picture in RGB; what is transparent is white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        above = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
    return picture.convert("RGB")
