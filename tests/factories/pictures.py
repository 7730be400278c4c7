"""Makes pictures of every kind that people and attackers send."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

RED = (200, 30, 40)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def drawing(side: int = 1_500, *, height: int | None = None, kind: str = "PNG") -> bytes:
    return encoded(Image.new("RGB", (side, height or side), RED), kind)


def noise(side: int) -> bytes:
    """The hardest picture there is: every pixel at random."""
    dots = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
    return encoded(Image.fromarray(dots), "JPEG", quality=95)


def quarters(*, size: tuple[int, int] = (1_500, 1_500)) -> Image.Image:
    """Red, green, blue and white from the top left on, row by row."""
    image = Image.new("RGB", size, "white")
    width, height = size[0] // 2, size[1] // 2
    image.paste((255, 0, 0), (0, 0, width, height))
    image.paste((0, 255, 0), (width, 0, size[0], height))
    image.paste((0, 0, 255), (0, height, width, size[1]))
    return image


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (1_500, 1_500), color) for color in ("red", "blue")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def png_chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png_bomb(side: int) -> bytes:
    """A PNG that says it is `side` pixels wide and high, all of them black, in little space."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    rows = b"".join(packer.compress(row) for _ in range(min(side, 20_000))) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", rows)
        + png_chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A small PNG with a compressed comment of 100 MB."""
    whole = drawing()
    comment = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9))
    return whole[:33] + comment + whole[33:]


def webp_claiming(side: int) -> bytes:
    """A WebP header of `side` pixels, with nothing behind it."""
    picture = b"\x2f" + ((side - 1) | ((side - 1) << 14)).to_bytes(4, "little") + bytes(11)
    canvas = bytes(4) + (side - 1).to_bytes(3, "little") * 2
    body = b"VP8X" + struct.pack("<I", 10) + canvas + b"VP8L" + struct.pack("<I", 16) + picture
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def scan_bomb() -> bytes:
    """A progressive JPEG that repeats its last scan 1,000 times."""
    whole = encoded(Image.new("RGB", (1_500, 1_500), RED), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * 1_000 + whole[-2:]
