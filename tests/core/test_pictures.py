from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image, ImageCms

from config.env import BASE_DIR
from core.errors import TooLarge
from core.pictures import (
    PictureDamaged,
    PictureNotAccepted,
    PictureNotSquare,
    PictureTooDetailed,
    PictureTooLarge,
    PictureTooSmall,
    inspect_picture,
    make_cover,
    make_framed_cover,
)
from tests.factories import pictures

LIMIT = 500_000


def cover_of(content, *, max_bytes=LIMIT, crop=False):
    """The cover as Pillow sees it; its size in bytes is checked on the way."""
    made = make_cover(io.BytesIO(content), max_bytes=max_bytes, crop=crop)
    assert len(made.content) < max_bytes
    image = Image.open(io.BytesIO(made.content))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert image.size == (made.side, made.side)
    return image


def corners(image):
    """The colours of the four quarters, row by row, rounded to full or none."""
    low, high = image.width // 4, image.width * 3 // 4
    places = [(low, low), (high, low), (low, high), (high, high)]
    return [tuple(255 * (part > 127) for part in image.getpixel(place)) for place in places]


RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


class TestCover:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    def test_is_made_of_every_accepted_format(self, kind):
        image = cover_of(pictures.drawing(kind=kind))

        assert image.width == 1_500
        assert image.getpixel((700, 700)) == pytest.approx(pictures.RED, abs=6)

    @pytest.mark.parametrize(
        ("side", "kept"),
        [
            (700, 1_400),
            (1_024, 1_400),
            (1_400, 1_400),
            (2_000, 2_000),
            (3_000, 3_000),
            (4_096, 3_000),
        ],
    )
    def test_has_a_size_that_directories_take(self, side, kept):
        assert cover_of(pictures.drawing(side)).width == kept

    def test_is_progressive_with_72_dpi_and_no_metadata(self):
        exif = Image.Exif()
        exif[0x010E] = "secret place"
        content = pictures.encoded(
            Image.new("RGB", (1_500, 1_500), pictures.RED), "JPEG", exif=exif, comment=b"secret"
        )

        image = cover_of(content)

        assert image.info["progressive"]
        assert image.info["dpi"] == (72, 72)
        assert not {"exif", "icc_profile", "comment"} & set(image.info)
        assert b"secret" not in make_cover(io.BytesIO(content), max_bytes=LIMIT).content

    @pytest.mark.parametrize("side", [1_400, 3_000])
    def test_of_noise_stays_under_the_limit(self, side):
        assert cover_of(pictures.noise(side)).width >= 1_400

    def test_of_noise_is_refused_where_nothing_helps(self):
        with pytest.raises(PictureTooDetailed, match="less detail"):
            make_cover(io.BytesIO(pictures.noise(1_400)), max_bytes=100_000)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_is_upright(self, orientation):
        # What a camera does: the sensor's picture, and how to turn it.
        undo = {
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270,
        }
        taken = pictures.quarters()
        if orientation in undo:
            taken = taken.transpose(undo[orientation])
        exif = Image.Exif()
        exif[0x0112] = orientation

        image = cover_of(pictures.encoded(taken, "JPEG", exif=exif))

        assert corners(image) == [RED, GREEN, BLUE, WHITE]

    @pytest.mark.parametrize(
        ("mode", "given", "color"),
        [
            ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
            ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
            ("LA", (0, 128), (127, 127, 127)),
            ("L", 90, (90, 90, 90)),
            ("1", 1, (255, 255, 255)),
            ("P", 0, (0, 0, 0)),
            ("I;16", 32_768, (128, 128, 128)),
        ],
    )
    def test_is_opaque_colour_from_any_mode(self, mode, given, color):
        image = cover_of(pictures.encoded(Image.new(mode, (1_500, 1_500), given)))

        assert image.getpixel((9, 9)) == pytest.approx(color, abs=4)

    def test_is_rgb_from_the_colours_of_print(self):
        image = cover_of(
            pictures.encoded(Image.new("CMYK", (1_500, 1_500), (0, 255, 255, 0)), "JPEG")
        )

        assert image.getpixel((9, 9)) == pytest.approx((255, 0, 0), abs=6)

    def test_means_the_same_colours_without_the_profile(self):
        # Swapped primaries would be seen at once; sRGB onto itself changes nothing.
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        content = pictures.encoded(
            Image.new("RGB", (1_500, 1_500), pictures.RED), "PNG", icc_profile=profile
        )

        assert cover_of(content).getpixel((9, 9)) == pytest.approx(pictures.RED, abs=4)

    def test_ignores_a_profile_that_is_none(self):
        content = pictures.encoded(
            Image.new("RGB", (1_500, 1_500), pictures.RED), "PNG", icc_profile=b"no profile"
        )

        assert cover_of(content).getpixel((9, 9)) == pytest.approx(pictures.RED, abs=4)

    def test_takes_the_first_of_two_pictures_in_a_jpeg(self):
        first, second = (Image.new("RGB", (1_500, 1_500), color) for color in ("red", "blue"))
        content = pictures.encoded(first, "MPO", save_all=True, append_images=[second])

        assert cover_of(content).getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=6)

    def test_is_trimmed_when_it_is_nearly_square(self):
        assert cover_of(pictures.drawing(1_500, height=1_510)).width == 1_500

    def test_is_the_middle_where_that_is_wanted(self):
        image = cover_of(pictures.encoded(pictures.quarters(size=(3_000, 1_600))), crop=True)

        assert image.width == 1_600
        assert corners(image) == [RED, GREEN, BLUE, WHITE]


class TestFramedCover:
    @pytest.mark.parametrize(
        ("size", "side"), [((1_200, 630), 1_400), ((800, 2_400), 2_400), ((3_400, 2_000), 3_000)]
    )
    def test_has_the_whole_picture_in_it(self, size, side):
        content = pictures.encoded(pictures.quarters(size=size))

        made = make_framed_cover(io.BytesIO(content), max_bytes=LIMIT)

        image = Image.open(io.BytesIO(made.content))
        assert (image.mode, image.size) == ("RGB", (side, side))
        scale = side / max(size)
        corner = tuple(round(side / 2 - 0.48 * length * scale) for length in size)
        assert image.getpixel(corner) == pytest.approx((255, 0, 0), abs=20)
        # Above a wide picture, beside a high one: its colours, and no black bars.
        assert max(image.getpixel((side // 8, side // 8))) > 200

    @pytest.mark.parametrize("size", [(690, 690), (3_000, 340)])
    def test_is_not_made_of_too_little(self, size):
        content = pictures.drawing(size[0], height=size[1])

        with pytest.raises(PictureTooSmall):
            make_framed_cover(io.BytesIO(content), max_bytes=LIMIT)


class TestRefusal:
    @pytest.mark.parametrize(
        ("make", "error"),
        [
            (lambda: b"", PictureNotAccepted),
            (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", PictureNotAccepted),
            (lambda: b"\xff\xd8\xff\xe0 no jpeg", PictureDamaged),
            (lambda: pictures.drawing(kind="GIF"), PictureNotAccepted),
            (lambda: pictures.drawing(kind="TIFF"), PictureNotAccepted),
            (lambda: pictures.animated("PNG"), PictureNotAccepted),
            (lambda: pictures.animated("WEBP"), PictureNotAccepted),
            (pictures.scan_bomb, PictureNotAccepted),
            (lambda: pictures.drawing()[:-400], PictureDamaged),
            (lambda: pictures.noise(1_400)[:-5_000], PictureDamaged),
            (lambda: pictures.drawing(kind="WEBP")[:-40], PictureDamaged),
            (pictures.text_bomb, PictureDamaged),
            (lambda: pictures.webp_claiming(3_000), PictureDamaged),
            (lambda: pictures.webp_claiming(16_383), PictureTooLarge),
            (lambda: pictures.png_bomb(5_000), PictureTooLarge),
            (lambda: pictures.png_bomb(12_000), PictureTooLarge),
            (lambda: pictures.png_bomb(60_000), PictureTooLarge),
            (lambda: pictures.drawing(699), PictureTooSmall),
            (lambda: pictures.drawing(1), PictureTooSmall),
            (lambda: pictures.drawing(1_500, height=1_600), PictureNotSquare),
            (lambda: pictures.drawing(3_000, height=2), PictureNotSquare),
        ],
        ids=map(str, range(21)),
    )
    def test_says_what_is_wrong(self, make, error):
        with pytest.raises(error, match=r"^image: ") as caught:
            make_cover(io.BytesIO(make()), max_bytes=LIMIT)

        assert caught.value.field == "image"

    def test_of_a_strip_comes_even_where_cropping_is_wanted(self):
        with pytest.raises(PictureTooSmall):
            make_cover(io.BytesIO(pictures.drawing(3_000, height=10)), max_bytes=LIMIT, crop=True)

    def test_of_too_many_pixels_is_a_413(self):
        assert issubclass(PictureTooLarge, TooLarge)


class TestInspect:
    def test_tells_the_true_format_and_size(self):
        facts = inspect_picture(pictures.drawing(1_500, height=20, kind="WEBP"))

        assert (facts.format, facts.width, facts.height) == ("WEBP", 1_500, 20)

    def test_reads_to_the_end(self):
        with pytest.raises(PictureDamaged):
            inspect_picture(pictures.noise(1_400)[:-5_000])


MEASURE = """
import resource, sys
from core.errors import PodwrightError
from core.pictures import make_cover
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
try:
    make_cover(sys.stdin.buffer, max_bytes=500_000)
except PodwrightError:
    pass
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "megabytes"),
    [
        (lambda: pictures.encoded(Image.new("RGBA", (4_096, 4_096))), 300),
        (lambda: pictures.png_bomb(60_000), 30),
        (pictures.text_bomb, 30),
        (lambda: pictures.webp_claiming(16_383), 30),
    ],
    ids=["largest", "pixels", "comment", "webp"],
)
def test_memory_is_bounded(content, megabytes, tmp_path):
    file = tmp_path / "picture"
    file.write_bytes(content())

    with file.open("rb") as source:
        added = subprocess.run(
            [sys.executable, "-c", MEASURE],
            stdin=source, cwd=BASE_DIR, capture_output=True, check=True, text=True,
        )  # fmt: skip

    assert int(added.stdout) < megabytes
