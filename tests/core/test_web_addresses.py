from __future__ import annotations

import pytest

from core.web_addresses import MAX_URL_LENGTH, UrlInvalid, parse_url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "example.com",
        "//example.com/",
        "/path",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://example.com:70/_x",
        "http://",
        "http:///path",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:80:80/",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\r\nHost: other",
        "http://example.com/\x00",
        "http://example.com/\x7f",
        "http://a%2eb/",
        "http://[::1%25eth0]/",
        "http://[::1",
        "http://xn--/",
        "http://☃.net/",
        "http://-/",
        "http://" + "a" * 300 + ".example/",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
        None,
        5,
        ["https://example.com/"],
    ],
)
def test_refuses_what_is_no_plain_web_address(text):
    with pytest.raises(UrlInvalid) as refusal:
        parse_url(text)

    assert refusal.value.field == "url"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://example.com", "https://example.com"),
        ("  https://example.com/a?b=c#d \n", "https://example.com/a?b=c#d"),
        ("HTTP://Example.COM:80/../a", "http://example.com/a"),
        ("http://bücher.example/ä?q=é", "http://xn--bcher-kva.example/%C3%A4?q=%C3%A9"),
        ("http://[2606:4700::1]:8080/", "http://[2606:4700::1]:8080/"),
        ("http://my_host.example/", "http://my_host.example/"),
        ("https://example.com/100%", "https://example.com/100%"),
    ],
)
def test_normalises_a_web_address(text, normal):
    assert str(parse_url(text)) == normal
