"""Draws labels, forms, charts and signs with Pillow, as PNG bytes that are the same everywhere.

Part of a trial's identity is the digest of its images, so that two machines must make the same bytes:
black and white, the bitmap font that comes with Pillow enlarged by whole numbers, and a PNG whose
data are stored without compression (compressed bytes differ from one zlib to another).
"""

from __future__ import annotations

import struct
import textwrap
import zlib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.identity import text_digest
from alignmeter.records import DrawnImage, ImagePart, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image

    from alignmeter.records import ImageKind

WIDTH = 480
"""Width of every image in pixels; its height follows from the text."""

_MARGIN = 16
_SMALL, _LARGE = 2, 3
_LETTER = (6, 11)  # of the bitmap font, in pixels
_GAP = 8
_BAR = 180
_STORED_BLOCK = 65_535
_NAMES: Mapping[ImageKind, str] = {
    "label": "A product label",
    "form": "A printed form or display",
    "chart": "A bar chart",
    "sign": "A sign",
}


class _Line(NamedTuple):
    text: str
    scale: int

    @property
    def height(self) -> int:
        return self.scale * _LETTER[1] + _GAP


def image_parts(probe: Probe) -> tuple[ImagePart, ...]:
    """Return what the message that asks a probe carries beside its text: one image, or none."""
    if probe.image is None:
        return ()
    data = draw_image(probe.image)
    part = ImagePart(media_type="image/png", data=data, digest=text_digest(data), alt=alt_text(probe.image))
    return (part,)


def alt_text(image: DrawnImage) -> str:
    """Return what stands in an image, in words."""
    rows = "; ".join(f"{name}: {value}" for name, value in image.rows)
    return f"{_NAMES[image.kind]} headed {image.title!r}. {rows}."


@cache
def draw_image(image: DrawnImage) -> bytes:
    """Draw an image.

    Args:
        image: What it shows.

    Returns:
        A PNG of one bit a pixel, `WIDTH` pixels wide; the same bytes on every machine.
    """
    return _png(_DRAWERS[image.kind](image))


def _label(image: DrawnImage) -> Image:
    """A frame, the title between two rules, then the rows."""
    title = _wrapped(image.title, _LARGE)
    rows = [line for name, value in image.rows for line in _wrapped(f"{name}: {value}", _SMALL)]
    canvas = _canvas(_height(title) + _height(rows) + 5 * _MARGIN)
    _frame(canvas)
    top = _write(canvas, title, 2 * _MARGIN)
    _fill(canvas, (_MARGIN, top, WIDTH - _MARGIN, top + 3))
    _write(canvas, rows, top + _MARGIN)
    return canvas


def _form(image: DrawnImage) -> Image:
    """The title, then each name above a box that holds its value."""
    title = _wrapped(image.title, _LARGE)
    fields = [(_wrapped(name, _SMALL), _wrapped(value, _LARGE)) for name, value in image.rows]
    height = _height(title) + sum(_height(name) + _height(value) + 2 * _GAP for name, value in fields)
    canvas = _canvas(height + 3 * _MARGIN)
    top = _write(canvas, title, _MARGIN)
    for name, value in fields:
        top = _write(canvas, name, top + _GAP)
        bottom = top + _height(value) + _GAP
        _fill(canvas, (_MARGIN, top - 2, WIDTH - _MARGIN, bottom))
        _fill(canvas, (_MARGIN + 2, top, WIDTH - _MARGIN - 2, bottom - 2), white=True)
        _write(canvas, value, top + _GAP // 2, left=2 * _MARGIN)
        top = bottom
    return canvas


def _chart(image: DrawnImage) -> Image:
    """One bar a row, its value above it and its name below."""
    title = _wrapped(image.title, _SMALL)
    values = [float(value) for _, value in image.rows]
    step = (WIDTH - 2 * _MARGIN) // len(values)
    base = _height(title) + _BAR + 5 * _MARGIN
    canvas = _canvas(base + 3 * _MARGIN)
    _write(canvas, title, _MARGIN)
    for index, (name, value) in enumerate(image.rows):
        left = _MARGIN + index * step
        top = base - round(_BAR * values[index] / max(values))
        _fill(canvas, (left, top, left + step // 2, base))
        _write(canvas, [_Line(value, _SMALL)], top - _SMALL * _LETTER[1] - 2, left=left)
        _write(canvas, [_Line(name, _SMALL)], base + _GAP, left=left)
    _fill(canvas, (_MARGIN, base, WIDTH - _MARGIN, base + 3))
    return canvas


def _sign(image: DrawnImage) -> Image:
    """White letters on a black band, the rows below in a thick frame."""
    title = _wrapped(image.title, _LARGE)
    rows = [line for name, value in image.rows for line in _wrapped(f"{name}: {value}", _SMALL)]
    band = _height(title) + 2 * _MARGIN
    canvas = _canvas(band + _height(rows) + 3 * _MARGIN)
    _frame(canvas, thickness=6)
    _fill(canvas, (0, 0, WIDTH, band))
    _write(canvas, title, _MARGIN, white=True)
    _write(canvas, rows, band + _MARGIN)
    return canvas


_DRAWERS: Mapping[ImageKind, Callable[[DrawnImage], Image]] = {
    "label": _label,
    "form": _form,
    "chart": _chart,
    "sign": _sign,
}


# --- strokes -------------------------------------------------------------------------------------


def _canvas(height: int) -> Image:
    from PIL import Image

    return Image.new("1", (WIDTH, height), 1)


def _wrapped(text: str, scale: int) -> list[_Line]:
    room = (WIDTH - 4 * _MARGIN) // (scale * _LETTER[0])
    return [_Line(line, scale) for line in textwrap.wrap(text, room)]


def _height(lines: list[_Line]) -> int:
    return sum(line.height for line in lines)


def _write(
    canvas: Image, lines: list[_Line], top: int, *, left: int = 2 * _MARGIN, white: bool = False
) -> int:
    """Write lines below each other; returns where the next one would begin."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default_imagefont()
    for line in lines:
        # One letter after another, between spaces: the strokes of a wide one reach over its cell.
        small = Image.new("1", (_LETTER[0] * len(line.text) + 2, _LETTER[1]), 0)
        for index, letter in enumerate(line.text):
            ImageDraw.Draw(small).text((1 + _LETTER[0] * (index - 1), 0), f" {letter} ", fill=1, font=font)
        size = (small.width * line.scale, small.height * line.scale)
        letters = small.resize(size, Image.Resampling.NEAREST)
        canvas.paste(1 if white else 0, (left, top), letters)
        top += line.height
    return top


def _fill(canvas: Image, box: tuple[int, int, int, int], *, white: bool = False) -> None:
    canvas.paste(1 if white else 0, box)


def _frame(canvas: Image, thickness: int = 2) -> None:
    _fill(canvas, (0, 0, WIDTH, canvas.height))
    _fill(canvas, (thickness, thickness, WIDTH - thickness, canvas.height - thickness), white=True)


def _png(image: Image) -> bytes:
    """Encode one bit a pixel, without compression."""
    packed, stride = image.tobytes(), (image.width + 7) // 8
    rows = b"".join(b"\0" + packed[at : at + stride] for at in range(0, len(packed), stride))
    header = struct.pack(">IIBBBBB", image.width, image.height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _stored(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4)."""
    blocks = [data[at : at + _STORED_BLOCK] for at in range(0, len(data), _STORED_BLOCK)]
    body = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block for block in blocks
    )
    return b"\x78\x01" + body + struct.pack(">I", zlib.adler32(data))
