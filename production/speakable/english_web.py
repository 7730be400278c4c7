"""English web addresses, e-mail addresses, handles and hashtags, in words."""

# ruff: noqa: SIM905 - word lists read better as one string

from __future__ import annotations

import re
from ipaddress import ip_address

# Bare host names are told from a missing space after a full stop by their ending.
_ENDINGS = (
    "com org net edu gov mil int info biz io dev app ai co tv fm eu uk us ca au nz ie de fr nl be "
    "at ch es pt pl cz se fi dk jp cn ru br mx xyz online blog news shop site tech cloud"
)
_SPELLED_ENDINGS = frozenset(
    "edu io ai tv fm eu uk us ca au nz ie de fr nl at ch es pt pl cz se dk jp cn ru br mx".split()
)
_SCHEME = re.compile(r"(?<!\w)(?:https?|ftps?|wss?)://([^\s<>\"]{1,2000})[^\s<>\"]*", re.IGNORECASE)
_MAILTO = re.compile(r"(?<!\w)mailto:(?=\S)", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w@./-])((?:www\.)?(?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,5}"
    rf"(?:{'|'.join(_ENDINGS.split())}))(?![\w-]|\.\w)(?::\d{{1,5}})?([/?#][^\s<>\"]{{0,2000}})?",
    re.IGNORECASE,
)
_WWW = re.compile(
    r"(?<![\w@./-])(www\.[^\s<>\"/?#]{1,253})([/?#][^\s<>\"]{0,2000})?", re.IGNORECASE
)
_EMAIL = re.compile(r"(?<![\w.+@-])([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,6}[A-Za-z]{2,24})(?![\w@])")
_HANDLE = re.compile(r"(?<![\w@.])@([A-Za-z_]\w{0,60})(?![\w@])")
_HASHTAG = re.compile(r"(?<![\w#&])#([A-Za-z]\w{0,80})(?![\w#])")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_TRAILING = ".,;:!?)]}'*_"


def say_web(text: str) -> str:
    """Replace addresses: a web address shrinks to its host, "example dot com"."""
    text = _MAILTO.sub("", text)
    text = _SCHEME.sub(_address, text)
    text = _EMAIL.sub(_email, text)
    text = _WWW.sub(_bare, text)
    text = _HOST.sub(_bare, text)
    text = _HANDLE.sub(lambda found: f"at {_words(found[1])}", text)
    return _HASHTAG.sub(lambda found: f"hashtag {_words(found[1])}", text)


def host_name(address: str) -> str:
    """Return the bare host of an address without its scheme: no user, port, path or "www."."""
    host = re.split(r"[/?#\\]", address, maxsplit=1)[0].rpartition("@")[2]
    host = host.lower().removeprefix("www.")
    return re.sub(r":\d{0,5}$", "", host).strip(".[]")


def _address(found: re.Match[str]) -> str:
    whole = found[0]
    tail = whole[len(whole.rstrip(_TRAILING)) :]
    host = host_name(found[1].rstrip(_TRAILING))
    return (_host(host) if host else "a link") + _sentence_marks(tail)


def _bare(found: re.Match[str]) -> str:
    whole = found[0]
    tail = whole[len(whole.rstrip(_TRAILING)) :]
    return _host(host_name(found[1].rstrip(_TRAILING))) + _sentence_marks(tail)


def _sentence_marks(tail: str) -> str:
    return "".join(mark for mark in tail if mark in ".,;:!?)")


def _email(found: re.Match[str]) -> str:
    name = found[1].strip(".+-")
    marks = {".": " dot ", "-": " dash ", "+": " plus ", "_": " underscore "}
    for mark, word in marks.items():
        name = name.replace(mark, word)
    return f"{name} at {_host(found[2].lower())}"


def _host(host: str) -> str:
    labels = [label for label in host.split(".") if label]
    if _is_network_address(host):
        return host if ":" not in host else "a network address"
    if len(labels) > 1:
        labels = [
            *labels[:-1],
            labels[-1].upper() if labels[-1] in _SPELLED_ENDINGS else labels[-1],
        ]
    return " dot ".join(label.replace("-", " dash ") for label in labels)


def _is_network_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _words(name: str) -> str:
    return _HUMP.sub(" ", name).strip()
