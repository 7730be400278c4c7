from __future__ import annotations

import codecs

import pytest

from narration.decoding import decode_page

GERMAN = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, täglich für zehn Mäuse."
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. Поезд пришёл вовремя."
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"


@pytest.mark.parametrize(
    ("text", "encoding", "charset"),
    [
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8", "utf-8"),
        (GERMAN, "iso-8859-1", "iso-8859-1"),
        ("“Quotes” and ellipsis…", "cp1252", "iso-8859-1"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        (JAPANESE, "shift_jis", "Shift_JIS"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        (GERMAN, "utf-16-le", "utf-16"),
    ],
)
def test_believes_the_server(text, encoding, charset):
    assert decode_page(text.encode(encoding), charset=charset) == text


@pytest.mark.parametrize(
    "tag",
    [
        '<meta charset="windows-1251">',
        "<META http-equiv=Content-Type content='text/html; charset=windows-1251'>",
    ],
)
def test_believes_the_meta_tag_where_the_server_says_nothing(tag):
    page = f"<html><head>{tag}</head><body>{RUSSIAN}"

    assert decode_page(page.encode("cp1251")) == page


@pytest.mark.parametrize(
    "mark_and_encoding",
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_beats_the_server(mark_and_encoding):
    mark, encoding = mark_and_encoding

    assert decode_page(mark + GERMAN.encode(encoding), charset="windows-1251") == GERMAN


def test_finds_out_that_a_declared_encoding_is_wrong():
    assert decode_page(GERMAN.encode("utf-8"), charset="shift_jis") == GERMAN


def test_detects_what_nobody_declared():
    text = RUSSIAN * 20

    assert decode_page(text.encode("cp1251")) == text


@pytest.mark.parametrize(
    "charset", ["zip", "idna", "unicode_escape", "utf-7", "punycode", "rot13", "x" * 5_000, "\x00"]
)
def test_lets_no_page_choose_another_codec_of_python(charset):
    assert decode_page(b"plain \\u0041 +AGE- text", charset=charset) == "plain \\u0041 +AGE- text"


@pytest.mark.parametrize("body", [b"", b"\x81\x8d\x8f\x90\x9d" * 50, bytes(range(256)) * 20])
def test_never_fails(body):
    assert isinstance(decode_page(body, charset="utf-8"), str)
