"""HTML that the cleaner of show notes would give back as it is; to see that costs a third of cleaning.

Every tag is in a table or a link of characters that need no second look, every tag is closed where it
was opened, and nothing stands in an element that HTML would move out of it.
"""

from __future__ import annotations

import re

#: Left away at the beginning of a document.
_BYTE_ORDER_MARK = "\ufeff"
_TAG = re.compile(r"(<[^<>]*>)")
_LINK = re.compile(
    r"""<a href=(["'])"""
    # A name that ends in letters is never read as a number, nor does it need a code for foreign letters.
    r"(https?://(?!xn--)(?:(?:[a-z0-9]|-(?!-))++\.)++[a-z]{2,}+"
    r"(?:[/?#](?:[\w!$()*+,./:;=?@~%#-]|&amp;)*+)?)\1>",
    re.ASCII,
)
#: A reference that is written otherwise when the document is written again.
_OTHER_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|nbsp);)")

_INLINE = ("a", "b", "i", "em", "strong")
_BLOCKS = {None, "li"}
#: What each element may stand in directly; None is the top.
_PARENTS: dict[str, set[str | None]] = {
    **{name: {None, "p", "li", *_INLINE} for name in _INLINE},
    "p": _BLOCKS,
    "ul": _BLOCKS,
    "ol": _BLOCKS,
    "li": {"ul", "ol"},
}


def tidy_html(html: str) -> str | None:
    """What the cleaner makes of `html`, if that can be seen from outside; None where it must parse it.

    `html` is `core.text.clean_text`.
    """
    pieces = _TAG.split(html)
    # A line end between them, so that what tags part does not become a reference.
    if pieces[0].startswith(_BYTE_ORDER_MARK) or not _is_tidy_text("\n".join(pieces[::2])):
        return None
    parents: list[str | None] = [None]
    for place, tag in enumerate(pieces[1::2]):
        if tag.startswith("</"):
            if tag[2:-1] != parents.pop():
                return None
        elif tag != "<br>":
            name = tag[1:-1]
            if tag.startswith("<a "):
                link = _LINK.fullmatch(tag)
                if link is None:
                    return None
                name, pieces[2 * place + 1] = "a", f'<a href="{link[2]}">'
            if parents[-1] not in _PARENTS.get(name, ()) or (name == "a" and "a" in parents):
                return None
            parents.append(name)
    return "".join(pieces) if len(parents) == 1 else None


def _is_tidy_text(text: str) -> bool:
    if "<" in text or ">" in text or "\N{NO-BREAK SPACE}" in text:
        return False
    return "&" not in text or _OTHER_REFERENCE.search(text) is None
