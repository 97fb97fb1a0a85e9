"""Tests image files: what is encoded comes back, and damaged or enormous files are refused."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.image.sample_files import gif_file


def _noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_every_sample(dtype: type, channels: int) -> None:
    image = _noise(7, 9, channels, dtype=dtype)
    decoded = tf.io.decode_png(tf.io.encode_png(image), dtype=dtype).numpy()
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded, image)


def test_a_batch_of_images_becomes_a_batch_of_files() -> None:
    images = _noise(2, 3, 4, 5, 3)
    files = tf.io.encode_png(images).numpy()
    assert files.shape == (2, 3)
    np.testing.assert_array_equal(tf.io.decode_png(files[1, 2]).numpy(), images[1, 2])


def test_jpeg_of_a_smooth_image_is_near() -> None:
    rows, columns = np.mgrid[0:40, 0:56]
    image = np.stack([rows * 4, columns * 3, rows + columns], -1).astype(np.uint8)
    decoded = tf.io.decode_jpeg(tf.io.encode_jpeg(image, quality=95)).numpy()
    assert np.abs(decoded.astype(int) - image).max() < 12
    assert tf.io.decode_jpeg(tf.io.encode_jpeg(image), ratio=4).shape == (10, 14, 3)
    assert tf.io.extract_jpeg_shape(tf.io.encode_jpeg(image)).numpy().tolist() == [40, 56, 3]


def test_a_window_is_a_part_of_the_image() -> None:
    file = tf.io.encode_jpeg(_noise(20, 30, 3))
    whole = tf.io.decode_jpeg(file).numpy()
    np.testing.assert_array_equal(tf.io.decode_and_crop_jpeg(file, [3, 5, 7, 11]).numpy(), whole[3:10, 5:16])


def test_decode_image_takes_other_dtypes_and_all_formats() -> None:
    image = _noise(4, 5, 3)
    png = tf.io.encode_png(image)
    np.testing.assert_array_equal(tf.io.decode_image(png).numpy(), image)
    np.testing.assert_allclose(tf.io.decode_image(png, dtype=tf.float32).numpy(), image / 255, atol=1e-6)
    assert tf.io.decode_image(png, channels=1).shape == (4, 5, 1)


def test_frames_of_a_gif_are_drawn_over_each_other() -> None:
    first = np.arange(20, dtype=np.uint8).reshape(4, 5)
    second = np.full((2, 2), 7, np.uint8)
    frames = tf.io.decode_gif(gif_file(first, second)).numpy()
    assert frames.shape == (2, 4, 5, 3)
    np.testing.assert_array_equal(frames[1, 2:], frames[0, 2:])
    np.testing.assert_array_equal(frames[1, :2, :2], np.broadcast_to(frames[0, 1, 2], (2, 2, 3)))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_small_file_that_claims_to_be_an_enormous_image_is_refused() -> None:
    for side in (60_000, 20_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b"")
        with pytest.raises(tf.errors.InvalidArgumentError, match=str(side)):
            tf.io.decode_png(b"\x89PNG\r\n\x1a\n" + body)


@pytest.mark.parametrize("cut", [3, 20, 60, 200, -1])
def test_cut_and_altered_files_raise_and_do_not_crash(cut: int) -> None:
    image = _noise(30, 30, 3)
    for file, decode in (
        (tf.io.encode_png(image).numpy(), tf.io.decode_png),
        (tf.io.encode_jpeg(image).numpy(), tf.io.decode_jpeg),
        (gif_file(_noise(9, 9) % 64), tf.io.decode_gif),
    ):
        if cut == -1 and decode is tf.io.decode_gif:
            continue  # only its end marker is missing: TensorFlow reads that, too
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(file[:cut])


def test_altered_bytes_never_raise_anything_else() -> None:
    random = np.random.default_rng(5)
    image = _noise(12, 12, 3)
    files = [tf.io.encode_png(image).numpy(), tf.io.encode_jpeg(image).numpy(), gif_file(_noise(9, 9) % 64)]
    for file in files:
        for _ in range(60):
            altered = bytearray(file)
            for place in random.integers(2, len(file), 3):
                altered[place] = random.integers(256)
            with contextlib.suppress(tf.errors.InvalidArgumentError):
                tf.io.decode_image(bytes(altered))


def test_files_can_be_decoded_in_a_graph() -> None:
    import tideflow.v1 as v1

    pixels = _noise(4, 5, 3)
    file = tf.io.encode_png(pixels).numpy()
    with v1.Graph().as_default(), v1.Session() as session:
        contents = v1.placeholder(tf.string, [])
        image = v1.image.decode_png(contents, channels=3)
        assert image.shape.as_list() == [None, None, 3]
        np.testing.assert_array_equal(session.run(image, {contents: file}), pixels)


def test_import_does_not_load_pillow() -> None:
    code = "import sys, tideflow as tf; tf.io.decode_png; assert 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def _png(width: int, height: int, depth: int, color: int, lines: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_png_data_that_end_with_a_line(lines: int) -> None:
    for depth, color, line in ((8, 0, b"\0abc"), (16, 2, b"\0" + b"abcdef" * 3), (1, 0, b"\0\xff")):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.io.decode_png(_png(3, 4, depth, color, line * lines))
        whole = tf.io.decode_png(_png(3, 4, depth, color, line * 3 + b"\0" * len(line))).numpy()
        assert whole[2].any()
        assert not whole[3].any()


def _gif(screen: tuple[int, int], *frames: tuple[int, int, int, int, list[int]]) -> bytes:
    """Returns a file of black (0) and white (1) frames: left, top, width, height, pixels; every code is a pixel."""
    content = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF0, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    for left, top, width, height, pixels in frames:
        codes = [code for pixel in pixels for code in (4, pixel)] + [5]
        packed = sum(code << 3 * place for place, code in enumerate(codes))
        data = packed.to_bytes((3 * len(codes) + 7) // 8, "little")
        content += b"\x2c" + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02"
        content += bytes([len(data)]) + data + b"\0"
    return content + b"\x3b"


@pytest.mark.parametrize(
    ("file", "expected", "first"),
    [  # TensorFlow 2.21
        (_gif((4, 4), (0, 0, 2, 2, [1, 0, 0, 1])), [[[1, 0], [0, 1]]], [[1, 0], [0, 1]]),
        (_gif((4, 4), (1, 1, 2, 2, [1, 0, 0, 1])), [[[0, 0], [0, 1]]], [[0, 0], [0, 1]]),
        (_gif((1, 1), (0, 0, 2, 2, [1, 1, 0, 1])), [[[1, 1], [0, 1]]], [[1, 1], [0, 1]]),
        (_gif((0, 0), (0, 0, 2, 1, [1, 0])), [[[1, 0]]], [[1, 0]]),
        (
            _gif((9, 9), (0, 0, 1, 2, [1, 1]), (1, 0, 2, 1, [1, 1])),
            [[[1, 0], [1, 0]], [[1, 1], [1, 0]]],
            [[1, 0], [1, 0]],
        ),
    ],
    ids=["smaller than the screen", "moved", "larger than the screen", "no screen", "two"],
)
def test_the_size_of_a_gif_is_that_of_its_largest_frame(file: bytes, expected: list, first: list) -> None:
    np.testing.assert_array_equal(tf.io.decode_gif(file).numpy()[..., 0] // 255, expected)
    found = tf.io.decode_image(file, expand_animations=False).numpy()
    np.testing.assert_array_equal(found[..., 0] // 255, first)


@pytest.mark.parametrize("stray", [b"\x01\x02\x03", b"\xff\x00", b"\xff\xff", b"\x00\xff\x00\x07"], ids=str)
def test_stray_bytes_between_the_segments_of_a_jpeg(stray: bytes) -> None:
    file = tf.io.encode_jpeg(_noise(16, 16, 3)).numpy()
    place = 4 + int.from_bytes(file[4:6], "big")
    expected = tf.io.decode_jpeg(file).numpy()
    np.testing.assert_array_equal(tf.io.decode_jpeg(file[:place] + stray + file[place:]).numpy(), expected)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.decode_jpeg(b"\x00" + file)


def test_a_webp_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from PIL import Image, WebPImagePlugin

    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "WEBP")

    def refuse(*_: object) -> None:
        raise Image.DecompressionBombError("Image size exceeds limit")

    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "load", refuse)
    with pytest.raises(tf.errors.InvalidArgumentError, match="exceeds limit"):
        tf.io.decode_image(stream.getvalue())
