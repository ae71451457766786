"""What is sent as a photograph: only pictures get in, and of a picture only what it shows."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from dashboard.casework.photos import LONGEST_SIDE, cleaned
from dashboard.core.errors import NotNowError

HIDDEN = b"<script>alert(1)</script>PK\x03\x04"


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 32), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 128 if mode == "L" else "gray" if mode != "CMYK" else (1, 2, 3, 4)).save(out, kind, **options)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A picture that is small on the way and huge unpacked."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model"
    exif.get_ifd(0x8825)[2] = (29.0, 33.0, 21.0)
    return picture(exif=exif, comment=HIDDEN, icc_profile=b"profile" * 20)


def with_words() -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", HIDDEN.decode("latin-1"), zip=True)
    return picture("PNG", pnginfo=words)


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\xff\xd8\xff\xe0",
        HIDDEN,
        b"%PDF-1.7\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"GIF89a" + bytes(40),
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture()[:300],
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        png_of(10_000, 7_000),  # 70 million pixels in a few hundred bytes
        png_of(60_000, 60_000),  # more than the library itself would touch
        png_of(2**31 - 1, 2**31 - 1),
        png_of(0, 5),
    ],
    ids=[
        "empty",
        "head",
        "html",
        "pdf",
        "svg",
        "gif-head",
        "gif",
        "bmp",
        "tiff",
        "cut",
        "png-head",
        "bomb",
        "large-bomb",
        "absurd",
        "none",
    ],
)
def test_what_is_no_photograph_is_refused_in_words(given: bytes) -> None:
    with pytest.raises(NotNowError, match=r"照片"):
        cleaned(given)


@pytest.mark.parametrize("given", [with_place(), with_words(), picture() + HIDDEN, picture("PNG") + HIDDEN, picture("WEBP") + HIDDEN])
def test_nothing_but_the_picture_is_kept(given: bytes) -> None:
    kept = cleaned(given).body
    for left in (b"Exif", b"Maker", b"script", b"PK\x03\x04", b"profile", b"ICC_PROFILE", b"http"):
        assert left not in kept
    with Image.open(io.BytesIO(kept)) as opened:
        assert (opened.format, opened.size, opened.mode) == ("JPEG", (64, 32), "RGB")
        assert not opened.getexif() and "comment" not in opened.info and "icc_profile" not in opened.info


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_pictures_of_any_colours_are_taken(mode: str) -> None:
    assert cleaned(picture("PNG", mode=mode) if mode != "1" else picture("PNG", mode="L")).width == 64
    assert cleaned(picture("JPEG", mode="CMYK")).width == 64


@pytest.mark.parametrize("size", [(1, 1), (1, 30_000), (9000, 4000), (1700, 1700)])
def test_it_is_made_no_larger_than_a_screen_needs(size: tuple[int, int]) -> None:
    kept = cleaned(picture(size=size))
    assert min(kept.width, kept.height) >= 1 and max(kept.width, kept.height) <= LONGEST_SIDE
    assert max(kept.width, kept.height) == min(max(size), LONGEST_SIDE)


def test_a_picture_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = cleaned(picture(exif=exif))
    assert (kept.width, kept.height) == (32, 64)
