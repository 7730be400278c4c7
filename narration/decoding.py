"""Turns the bytes of a page into text: byte order mark, header, meta tag, then detection."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings of the WHATWG standard, by Python's names. Others (zip, idna, unicode_escape, ...)
# are codecs of Python that no page may choose.
_WEB_ENCODINGS = frozenset(
    {"utf-8", "utf-16-le", "utf-16-be", "cp866", "cp874", "cp932", "cp949", "koi8-r", "koi8-u"}
    | {f"cp{number}" for number in range(1250, 1259)}
    | {f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
    | {"mac-roman", "gb18030", "big5hkscs", "euc_jp", "iso2022_jp"}
)
# The standard reads these labels as their supersets.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-16-le",
}
_META = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_:.-]{2,40})""", re.IGNORECASE
)
_META_WITHIN = 4_096
_DETECT_WITHIN = 50_000


def decode_page(body: bytes, *, charset: str = "") -> str:
    """The text of a page; `charset` is what the server said. Never fails: bad bytes become U+FFFD."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, errors="replace")
    meta = _META.search(body[:_META_WITHIN])
    declared = [_web_encoding(charset), _web_encoding(meta[1].decode("ascii") if meta else "")]
    # A page may lie about its encoding; valid UTF-8 beyond ASCII never comes about by chance.
    first = [] if body.isascii() or b"\0" in body else ["utf-8"]
    for encoding in [*first, *declared, "utf-8"]:
        if encoding:
            try:
                return body.decode(encoding)
            except UnicodeDecodeError:
                continue
    return body.decode(_detected(body) or declared[0] or declared[1] or "cp1252", errors="replace")


def _web_encoding(label: str) -> str:
    try:
        name = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return ""
    name = _SUPERSETS.get(name, name)
    return name if name in _WEB_ENCODINGS else ""


def _detected(body: bytes) -> str:
    best = from_bytes(body[:_DETECT_WITHIN]).best()
    return _web_encoding(best.encoding) if best else ""
