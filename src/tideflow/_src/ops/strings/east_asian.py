"""Decodes the encodings of East Asia as ICU does, which TensorFlow has: what is a character, and what an error.

Python's codecs have the same characters but for a few, and stop at other bytes. ICU's rule, since its ticket 5691: what
begins as a character and goes on as none is one error that ends before the first byte that could begin a character;
a well-formed character without a meaning is one error, and so is the rest of a string that ends too early.
"""

from __future__ import annotations

import functools
from itertools import product
from typing import NamedTuple


class Encoding(NamedTuple):
    """Is one encoding.

    Attributes:
      codec: the codec of Python that has most of the characters.
      forms: the ranges of bytes that characters of several bytes consist of.
      invalid: the bytes that begin nothing.
      single: single bytes with another meaning than the codec gives them: ``byte=code point``, in hexadecimal digits;
        without the code point for one without a meaning. A run of ``n`` bytes is ``byte+n=code point``.
      several: the same of characters of several bytes. A run follows the order of ``forms``.
    """

    codec: str
    forms: tuple[str, ...]
    invalid: str = ""
    single: str = ""
    several: str = ""


#: What bytes 80 to 9f mean in the encodings of Unix, which have two shifts there: the controls of the same number.
_CONTROLS = "80+14=80 90+16=90 8e+2"

_WINDOWS_950 = Encoding(
    "cp950",
    ("81-fe 40-7e,a1-fe", "81-fe 80-a0"),
    single="80=80 ff=f8f8",
    several="8140+2041=eeb8 8e40+2983=e311 c6a1+408=f6b1 fa40+785=e000",
)

ENCODINGS = {
    "cp950": _WINDOWS_950,
    "big5": _WINDOWS_950,
    "big5hkscs": Encoding(
        "big5hkscs",
        ("81-fe 40-7e,a1-fe",),
        invalid="80 ff",
        several="8140+628=eeb8 877a=3875 877b=21d53 877c=2369e 877d=26021 877e=3eec 87a1=258de 87a2=3af5 87a3=7afc "
        "87a5=24161 87a6=2890d 87a7=231ea 87a8=20a8a 87a9=2325e 87aa=430a 87ab=8484 87ad=942f 87ae=4930 87af=8613 "
        "87b0=5896 87b1=974a 87b2=9218 87b3=79d0 87b4=7a32 87b5=6660 87b6=6a29 87b7=889d 87b8=744c 87b9=7bc5 "
        "87ba=6782 87bb=7a2c 87bc=524f 87bd=9046 87be=34e6 87bf=73c4 87c0=25db9 87c1=74c6 87c2=9fc7 87c3=57b3 "
        "87c4=492f 87c5=544c 87c6=4131 87c7=2368e 87c8=5818 87c9=7a72 87ca=27b65 87cb=8b8f 87cc=46ae 87cd=26e88 "
        "87ce=4181 87cf=25d99 87d0=7bae 87d1=224bc 87d2=9fc8 87d3=224c1 87d4=224c9 87d5=224cc 87d6=9fc9 87d7=8504 "
        "87d8=235bb 87d9=40b4 87da=9fca 87db=44e1 87dc=2adff 87dd=62c1 87de=706e 87df=9fcb 8840+5=f303 8846=f309 "
        "8849+2=f30c 884d=f310 884f+4=f312 8854+2=f317 8862=f325 8864=f327 88a3=f344 88a5=f346 88a9+2=f34a "
        "8c43=f57a 8c6d=f5a4 8c74=f5ab 8cb7=f5cc 8cb9=f5ce 8cbb=f5d0 8cc0=f5d5 8cd7+2=f5ec 8cda=f5ef 8ced=f602 "
        "8d48=f61c a145=2027 a14e=fe51 a1c2=af a1e3=ff5e a1f2=2295 a1f3=2299 a241=2215 a242=fe68 a244=ffe5 "
        "a246+2=ffe0 a3e1=20ac c879=f7e5 c8a1=f7eb c8a3=f7ed",
    ),
    "gbk": Encoding(
        "gbk",
        ("81-fe 40-7e,80-fe",),
        single="80=20ac ff=f8f5",
        several="a140+96=e4c6 a240+96=e526 a2ab+6=e766 a2e3+2=e76c a2ef+2=e76e a2fd+2=e770 a340+96=e586 a440+96=e5e6 "
        "a4f4+11=e772 a540+96=e646 a5f7+8=e77d a640+96=e6a6 a6b9+8=e785 a6d9+7=e78d a6ec+2=e794 a6f3=e796 "
        "a6f6+9=e797 a740+96=e706 a7c2+15=e7a0 a7f2+13=e7af a896+11=e7bc a8bc=e7c7 a8bf=e7c8 a8c1+4=e7c9 "
        "a8ea+21=e7cd a958=e7e2 a95b=e7e3 a95d+3=e7e4 a989+13=e7e7 a997+13=e7f4 a9f0+15=e801 aaa1+94=e000 "
        "aba1+94=e05e aca1+94=e0bc ada1+94=e11a aea1+94=e178 afa1+94=e1d6 d7fa+5=e810 f8a1+94=e234 f9a1+94=e292 "
        "faa1+94=e2f0 fba1+94=e34e fca1+94=e3ac fda1+94=e40a fe50+80=e815 fea1+94=e468",
    ),
    "gb2312": Encoding(
        "gb2312",
        ("a1-fe a1-fe",),
        "a0 ff",
        _CONTROLS,
        several="a2a1+16=e000 a2e3+2=e010 a2ef+2=e012 a2fd+2=e014 a3a7=b4 a4f4+11=e016 a5f7+8=e021 a6b9+8=e029 "
        "a6d9+38=e031 a7c2+15=e057 a7f2+13=e066 a8bb+10=e073 a8ea+24=e07d a9f0+579=e095 d7fa+5=e2d8 f8a1+627=e2dd "
        "fee0+10=2170 feea=ffe2 feeb=ffe4 feec=ff07 feed=30fc feee=f83d feef+2=309b fef1+2=30fd fef3=2010 "
        "fef4=f83e fef5+2=3006 fef7=3012 fef8=3231 fef9=2121 fefa=2025 fefb+2=309d fefd=25bd fefe=25bc",
    ),
    "gb18030": Encoding("gb18030", ("81-fe 40-7e,80-fe", "81-fe 30-39 81-fe 30-39"), "80 ff", "", "a8bc=1e3f"),
    "euc_kr": Encoding("euc_kr", ("a1-fe a1-fe",), "a0 ff", _CONTROLS, "a2e6+2=- a4d4=3164 c9a1+94=e000 fea1+94=e05e"),
    "cp949": Encoding(
        "cp949",
        ("81-fe 41-5a,61-7a,81-fe", "81-fe 40,5b-60,7b-7e,80"),
        "",
        "80=80 ff=f8f7",
        "c9a1+94=e000 fea1+94=e05e",
    ),
    "cp932": Encoding("cp932", ("81-9f,e0-fc 40-7e,80-fc",), single="1a=1c 1c=7f 7f=1a 80 a0 fd+3"),
    "euc_jp": Encoding(
        "euc_jp",
        ("a1-fe a1-fe", "8e a1-e4", "8f a1-fe a1-fe"),
        "a0 ff",
        _CONTROLS,
        "8ee0+2=a2 8ee2=ac 8fa2b7=ff5e 8ff3a1+10=2170 8ff3ab+10=2160 8ff3b7=3231",
    ),
}
ENCODINGS["shift_jis"] = ENCODINGS["cp932"]

#: The characters of IBM's that other makers have placed elsewhere.
_OF_IBM = 360


class Decoder:
    """Decodes one encoding; its tables are made at first use.

    Args:
      encoding: the encoding.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._codec = encoding.codec
        self._forms = [[_bytes(part) for part in form.split()] for form in encoding.forms]
        self._invalid = frozenset(bytes.fromhex(encoding.invalid))
        self._known: dict[bytes, int] = {}
        for run in encoding.single.split():
            first, count, point = _run(run)
            for place in range(count):
                self._known[bytes([first[0] + place])] = -1 if point is None else point + place
        for run in encoding.several.split():
            first, count, point = _run(run)
            form = next(form for form in self._forms if all(map(_holds, form, first)) and len(form) == len(first))
            sequences = [bytes(sequence) for sequence in product(*form)]
            begin = sequences.index(first)
            for place, sequence in enumerate(sequences[begin : begin + count]):
                self._known[sequence] = -1 if point is None else point + place
        if encoding.codec == "euc_jp":
            self._add_vendors()

    def _add_vendors(self) -> None:
        """Adds what Microsoft's encoding has: signs in the rows of the standard, and IBM's characters after them."""
        for row, column in product(range(0x54), range(94)):
            upper = 0x81 + row // 2 + (0x40 if row >= 62 else 0)
            lower = column + 0x9F if row % 2 else column + 0x40 + (column >= 63)
            point = _point(bytes([upper, lower]), "cp932")
            self._known[bytes([0xA1 + row, 0xA1 + column])] = point
        trails = [*range(0x40, 0x7F), *range(0x80, 0xFD)]
        points = [_point(bytes(pair), "cp932") for pair in product((0xFA, 0xFB, 0xFC), trails)]
        points = [point for point in points if point >= 0][-_OF_IBM:]
        vendors = [bytes(pair) for pair in product(range(0xF9, 0xFD), range(0xA1, 0xFF))]
        self._known.update(zip(vendors, points, strict=False))
        signs = [*range(0x2170, 0x217A), 0xFFE2, 0xFFE4, 0xFF07, 0xFF02]
        self._known.update(zip(vendors[-len(signs) :], signs, strict=True))

    def characters(self, item: bytes) -> list[tuple[int, int]]:
        """Returns the code points of a string, -1 for an error, and the byte at which each begins."""
        result = []
        place, end = 0, len(item)
        while place < end:
            size, valid = (1, item[place] < 0x80) if item[place] < 0x80 else self._extent(item[place : place + 4])
            sequence = item[place : place + size]
            point = -1
            if valid:
                known = self._known.get(sequence)
                point = self._known.setdefault(sequence, _point(sequence, self._codec)) if known is None else known
            result.append((point, place))
            place += size
        return result

    def _extent(self, item: bytes) -> tuple[int, bool]:
        """Returns how many bytes a character or an error at the beginning has, and whether it is well formed."""
        first = item[0]
        forms = [form for form in self._forms if first in form[0]]
        if not forms:
            return 1, first not in self._invalid
        for place in range(1, len(item)):
            forms = [form for form in forms if item[place] in form[place]]
            if not forms:
                return next((at for at in range(1, place + 1) if item[at] not in self._invalid), place + 1), False
            if len(forms[0]) == place + 1:
                return place + 1, True
        return len(item), False


@functools.cache
def decoder_of(codec: str) -> Decoder | None:
    """Returns the decoder of an encoding that Python calls so, or None of one that is not of these."""
    encoding = ENCODINGS.get(codec)
    return None if encoding is None else Decoder(encoding)


def _bytes(ranges: str) -> list[int]:
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found += range(int(first, 16), int(last or first, 16) + 1)
    return found


def _holds(allowed: list[int], byte: int) -> bool:
    return byte in allowed


def _run(text: str) -> tuple[bytes, int, int | None]:
    """Returns the first sequence of a run, how many there are, and the first code point."""
    where, _, point = text.partition("=")
    first, _, count = where.partition("+")
    return bytes.fromhex(first), int(count or 1), None if point in ("", "-") else int(point, 16)


def _point(sequence: bytes, codec: str) -> int:
    try:
        text = sequence.decode(codec)
    except UnicodeDecodeError:
        return -1
    return ord(text) if len(text) == 1 else -1
