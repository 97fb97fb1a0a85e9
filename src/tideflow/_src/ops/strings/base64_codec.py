"""``tf.io.encode_base64`` and ``tf.io.decode_base64``: bytes as the letters that addresses of the web may hold."""

from __future__ import annotations

import binascii
import contextlib
from base64 import urlsafe_b64decode
from binascii import a2b_base64, b2a_base64
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.strings.elements import array_of, items_of, mapped, shown
from tideflow._src.runtime.op import op

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_WEB = bytes.maketrans(b"+/", b"-_")
_FROM_WEB = bytes.maketrans(b"-_", b"+/")


@op("EncodeBase64", "input: string -> output: string", tier="host", differentiable=False)
def encode_base64_op(input, *, pad: bool = False):
    """Writes bytes in base64."""
    lines = b"\n".join([b2a_base64(item, newline=False) for item in items_of(input)])
    letters = lines.translate(_WEB, b"" if pad else b"=").split(b"\n")
    return array_of(letters if np.size(input) else [], np.shape(input))


@op("DecodeBase64", "input: string -> output: string", tier="host", differentiable=False)
def decode_base64_op(input):
    """Reads base64."""
    items = items_of(input)
    letters = b"\n".join(items)
    if items and letters.count(b"\n") == len(items) - 1 and not letters.translate(None, _ALPHABET + b"\n"):
        with contextlib.suppress(binascii.Error):  # the one at fault is found below
            parts = letters.translate(_FROM_WEB).split(b"\n")
            return array_of([a2b_base64(part + b"==") for part in parts], np.shape(input))
    return mapped(_decoded, input)


def _decoded(item: bytes) -> bytes:
    size = len(item)
    if size % 4 == 1:
        raise invalid_argument(f"Base64 string length cannot be 1 modulo 4, but {shown(item)!r} has {size} characters.")
    letters = item
    if size and size % 4 == 0 and item.endswith(b"="):
        letters = item[:-2] if item.endswith(b"==") else item[:-1]
    if letters.translate(None, _ALPHABET):
        raise invalid_argument(f"Invalid character found in base64: {shown(item)!r}.")
    return urlsafe_b64decode(letters + b"=" * (-len(letters) % 4))


@encode_base64_op.shape
@decode_base64_op.shape
def _same_shape(input):
    return input


@encode_base64_op.samples
def _encode_samples(s):
    words = array_of([b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd\x00", bytes(range(256))], (2, 3))
    yield s(words)
    yield s(words, pad=True)
    yield s(s.strings(()))
    yield s(np.empty((0,), object))


@decode_base64_op.samples
def _decode_samples(s):
    words = [b"", b"YQ", b"YQ==", b"YR", b"YWI", b"YWJ=", b"YWJj", b"_-79"]
    yield s(array_of(words, (2, 4)))
    yield s(np.empty((0,), object))
    for bad in (b"A", b"YQ=", b"/+79", b"YQ==YQ==", b"====", b"==", b"YW Jj", b"\xff\xff\xff\xff", b"YWI=="):
        yield s(bad, error="InvalidArgumentError")


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:
    """Writes bytes in base64 with the letters for addresses of the web (RFC 4648, section 5).

    Args:
      input: strings of any shape.
      pad: whether to fill up with ``=`` to a multiple of four letters.
      name: the name of the operation.
    """
    return encode_base64_op(input, pad=pad, name=name)


def decode_base64(input: Any, name: str | None = None) -> Any:
    """Reads base64 in the letters for addresses of the web, with or without ``=`` at the end.

    Args:
      input: strings of any shape.
      name: the name of the operation.

    Raises:
      InvalidArgumentError: a string holds other letters, or has a length that base64 never has.
    """
    return decode_base64_op(input, name=name)
