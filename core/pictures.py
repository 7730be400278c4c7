"""Reads pictures from strangers within fixed bounds, and makes covers that every directory accepts."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from core.errors import Invalid, TooLarge, UnsupportedType
from core.framing import framed

COVER_TYPE = "image/jpeg"
#: contracts/rss.md section 1.5: what Apple and the PSP accept.
SMALLEST_SIDE, LARGEST_SIDE = 1_400, 3_000
#: Enlarging to twice the size still looks like the picture; more does not.
SMALLEST_ENLARGED = SMALLEST_SIDE // 2
#: A picture that is shorter than this is a line, whatever its length.
SHORTEST_FRAMED = SMALLEST_ENLARGED // 2
#: Room for 4,096 x 4,096 and for photographs of 16 megapixels; decoded, four bytes each.
MOST_PIXELS = 17_000_000
#: A side that is longer by this share only is trimmed without asking.
NEARLY_SQUARE = 0.01
#: Progressive files of cameras and editors have about ten; each costs a pass over all pixels.
_MOST_SCANS = 100
_START_OF_SCAN = b"\xff\xda"

#: The tag of EXIF that tells how the camera was held.
_ORIENTATION = 0x0112
_FORMATS = ("JPEG", "PNG", "WEBP")
#: A JPEG with a second picture behind it, as phones write it: the first one counts.
_FORMAT_NAMES = {"MPO": "JPEG"}
_SIDES = (3_000, 2_400, 1_800, 1_400)
_QUALITIES = (60, 70, 76, 82, 86, 90)
#: For noise, which no better quality holds in so few bytes.
_LAST_QUALITIES = (15, 25, 35, 50)
_WHITE = (255, 255, 255)

# The encoder needs room for a whole file at once; Pillow's guess is too small for noise.
ImageFile.MAXBLOCK = 8 * 2**20
#: A picture takes up to 250 MB while it is worked on, and all of one core: threads take turns.
_one_at_a_time = threading.Lock()


class PictureNotAccepted(UnsupportedType):
    """Not a JPEG, PNG or WebP, whatever it calls itself, or an animation."""

    code = "picture_not_accepted"


class PictureDamaged(Invalid):
    """It begins like a picture, but cannot be read to its end."""

    code = "picture_damaged"


class PictureTooLarge(TooLarge):
    """More pixels than are decoded."""

    code = "picture_too_large"


class PictureTooSmall(Invalid):
    """Too few pixels for a cover."""

    code = "picture_too_small"


class PictureNotSquare(Invalid):
    """Width and height differ, and nobody said where to cut."""

    code = "picture_not_square"


class PictureTooDetailed(Invalid):
    """No quality brings it under the limit of bytes."""

    code = "picture_too_detailed"


@dataclass(frozen=True, slots=True)
class Cover:
    """A finished cover: an RGB JPEG without metadata, `side` pixels wide and high."""

    content: bytes
    side: int


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture is, by its decoded content; `format` is JPEG, PNG or WEBP."""

    format: str
    width: int
    height: int


def make_cover(source: IO[bytes], *, max_bytes: int, crop: bool = False) -> Cover:
    """The cover made of a JPEG, PNG or WebP: upright, sRGB, on white, square, within the limits.

    With `crop` the middle of a picture that is not square is cut out. Larger ones are scaled down,
    smaller ones up to twice their size. Raises `PictureNotAccepted`, `PictureDamaged`,
    `PictureTooLarge`, `PictureTooSmall`, `PictureNotSquare` or `PictureTooDetailed`.
    """
    with _one_at_a_time, _opened(source) as image:
        width, height = _upright_size(image)
        _require_square(width, height, crop=crop)
        side = min(width, height)
        if side < SMALLEST_ENLARGED:
            raise PictureTooSmall(
                f"image: the picture has {width} x {height} pixels; send at least {SMALLEST_SIDE} x "
                f"{SMALLEST_SIDE}, better {LARGEST_SIDE} x {LARGEST_SIDE}.",
                field="image",
            )
        side = min(max(side, SMALLEST_SIDE), LARGEST_SIDE)
        return _fitted(_plain_square(image, side), max_bytes=max_bytes)


def make_framed_cover(source: IO[bytes], *, max_bytes: int) -> Cover:
    """The cover made of a picture of any shape, which is whole in it: see `core.framing`.

    Sizes and errors are those of `make_cover`, by the longer side; nothing is refused for its shape
    but what is hardly more than a line (`PictureTooSmall`).
    """
    with _one_at_a_time, _opened(source) as image:
        short, long = sorted(image.size)
        if long < SMALLEST_ENLARGED or short < SHORTEST_FRAMED:
            raise PictureTooSmall(
                f"image: the picture has {image.width} x {image.height} pixels; at least "
                f"{SMALLEST_ENLARGED} x {SHORTEST_FRAMED} are needed.",
                field="image",
            )
        side = min(max(long, SMALLEST_SIDE), LARGEST_SIDE)
        return _fitted(framed(_plain(image, side), side), max_bytes=max_bytes)


def inspect_picture(content: bytes) -> PictureFacts:
    """Decode the whole picture and tell what it is. Raises as `make_cover` does for bad input."""
    with _one_at_a_time, _opened(io.BytesIO(content)) as image:
        width, height = image.size
        image.load()
        return PictureFacts(_format_name(image), width, height)


@contextmanager
def _opened(source: IO[bytes]) -> Iterator[Image.Image]:
    """The picture with its header read and found acceptable; failures inside get our names."""
    source.seek(0)
    try:
        with Image.open(source, formats=_FORMATS) as image:
            _require_acceptable(image)
            _require_few_scans(source, image)
            yield image
    except UnidentifiedImageError:
        raise PictureNotAccepted(
            "image: the file is not a JPEG, PNG or WebP picture.", field="image"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, ValueError, SyntaxError, EOFError, ZeroDivisionError, MemoryError) as error:
        # Pillow's readers raise any of these for a file that is cut off or lies about itself.
        raise PictureDamaged(
            "image: the picture is damaged or cut off; export it again.", field="image"
        ) from error


def _require_acceptable(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise _too_large()
    if _format_name(image) != "JPEG" and getattr(image, "is_animated", False):
        raise PictureNotAccepted("image: the picture is animated; send a still one.", field="image")


def _require_few_scans(source: IO[bytes], image: Image.Image) -> None:
    """Refuse JPEGs whose scans would keep the decoder busy for hours."""
    if _format_name(image) != "JPEG":
        return
    position = source.tell()
    source.seek(0)
    scans = source.read().count(_START_OF_SCAN)
    source.seek(position)
    if scans > _MOST_SCANS:
        raise PictureNotAccepted(
            f"image: the JPEG has {scans} scans; export it again as an ordinary one.", field="image"
        )


def _too_large() -> PictureTooLarge:
    return PictureTooLarge(
        f"image: the picture has too many pixels; the limit is {MOST_PIXELS // 10**6} million. Scale "
        f"it to {LARGEST_SIDE} x {LARGEST_SIDE}.",
        field="image",
    )


def _format_name(image: Image.Image) -> str:
    name = image.format or ""
    return _FORMAT_NAMES.get(name, name)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height once the camera's orientation is honoured."""
    width, height = image.size
    lies_on_its_side = image.getexif().get(_ORIENTATION, 1) in {5, 6, 7, 8}
    return (height, width) if lies_on_its_side else (width, height)


def _require_square(width: int, height: int, *, crop: bool) -> None:
    if not crop and abs(width - height) > NEARLY_SQUARE * max(width, height):
        raise PictureNotSquare(
            f"image: the picture has {width} x {height} pixels and must be square; send a square one, "
            "or repeat the request with ?fit=crop to keep its middle.",
            field="image",
        )


def _plain(image: Image.Image, longest: int) -> Image.Image:
    """The picture upright, opaque, in sRGB; about as large as it came, or `longest` where it is larger."""
    scale = min(1.0, longest / max(image.size))
    image.draft(None, (round(image.width * scale), round(image.height * scale)))
    orientation = image.getexif().get(_ORIENTATION, 1)
    profile = image.info.get("icc_profile")
    plain = _upright(_in_srgb(_on_white(_eight_bit(image)), profile), orientation)
    plain.info.clear()
    return plain


def _plain_square(image: Image.Image, side: int) -> Image.Image:
    """The picture upright, opaque, in sRGB, `side` pixels wide and high."""
    # A large JPEG is decoded at a half or a quarter of its size at once.
    image.draft(None, (side, side))
    orientation = image.getexif().get(_ORIENTATION, 1)
    profile = image.info.get("icc_profile")
    opaque = _on_white(_eight_bit(image))
    # The middle square; without a copy of its own, since the picture may be large.
    kept = min(opaque.size)
    left, top = (opaque.width - kept) // 2, (opaque.height - kept) // 2
    squared = opaque.resize(
        (side, side), Image.Resampling.LANCZOS, box=(left, top, left + kept, top + kept)
    )
    plain = _upright(_in_srgb(squared, profile), orientation)
    # What is left of the camera's notes would be written again.
    plain.info.clear()
    return plain


def _eight_bit(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized: L, RGB, RGBA or CMYK."""
    if image.mode in {"L", "RGB", "CMYK"} and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        # Sixteen bits of grey; Pillow would cut them off instead of scaling them.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGBA")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, _WHITE)
    white.paste(image, mask=image.getchannel("A"))
    return white


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as they were meant; a profile that does not fit the picture is ignored."""
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    return image if turned is None else image.transpose(turned)


def _fitted(image: Image.Image, *, max_bytes: int) -> Cover:
    """The largest and best JPEG under `max_bytes`: size goes before quality gets ugly."""
    sides = [image.width, *(side for side in _SIDES if side < image.width)]
    for side in sides:
        scaled = image
        if side != image.width:
            scaled = image.resize((side, side), Image.Resampling.LANCZOS)
        content = _best(scaled, _QUALITIES, max_bytes=max_bytes)
        if content is None and side == sides[-1]:
            content = _best(scaled, _LAST_QUALITIES, max_bytes=max_bytes)
        if content is not None:
            return Cover(content, side)
    raise PictureTooDetailed(
        f"image: the picture does not fit into {max_bytes:,} bytes; send one with less detail.",
        field="image",
    )


def _best(image: Image.Image, qualities: tuple[int, ...], *, max_bytes: int) -> bytes | None:
    """The file of the highest quality that is under `max_bytes`; None when the lowest is not."""
    best = _encoded(image, qualities[0])
    if len(best) >= max_bytes:
        return None
    low, high = 1, len(qualities)
    # The highest one next, since most covers are drawings and small; then by halving the choice.
    middle = high - 1
    while low < high:
        content = _encoded(image, qualities[middle])
        if len(content) < max_bytes:
            best, low = content, middle + 1
        else:
            high = middle
        middle = (low + high) // 2
    return best


def _encoded(image: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    # Chroma in full up to where it gets costly; 72 dpi is what directories name.
    image.save(
        target,
        "JPEG",
        quality=quality,
        progressive=True,
        optimize=True,
        subsampling=0 if quality >= 86 else 2,  # noqa: PLR2004 - explained above
        dpi=(72, 72),
    )
    return target.getvalue()
