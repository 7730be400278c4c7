"""Sets a picture of any shape whole into a square, on a soft enlargement of itself."""

from __future__ import annotations

from PIL import Image

#: Out of so few pixels a background has the picture's colours and none of its shapes.
_SOFT = 12


def framed(image: Image.Image, side: int) -> Image.Image:
    """The whole RGB picture in the middle of a square of `side` pixels, as large as it can be."""
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    square = image.resize((_SOFT, _SOFT), Image.Resampling.BOX, box=_middle(image))
    square = square.resize((side, side), Image.Resampling.BICUBIC)
    square.paste(
        image.resize((width, height), Image.Resampling.LANCZOS),
        ((side - width) // 2, (side - height) // 2),
    )
    return square


def _middle(image: Image.Image) -> tuple[int, int, int, int]:
    kept = min(image.size)
    left, top = (image.width - kept) // 2, (image.height - kept) // 2
    return left, top, left + kept, top + kept
