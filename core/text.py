"""Text from outside: what may be stored, and the constraint that it is not empty."""

from __future__ import annotations

import re
import unicodedata

from django.db.models import Q

# XML 1.0 allows no other control characters than tab, line feed and carriage return, and a feed
# with one is a feed that nobody can read; noncharacters and lone surrogates fail the same way.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

#: Unicode's categories of what leaves no trace on paper: white space, and format characters such as
#: the zero width space and the byte order mark.
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def clean_text(text: str) -> str:
    r"""`text` without characters that XML 1.0 forbids, line ends as \\n, outer white space gone."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Printable characters are none of these, which is seen sooner.
    if not text.replace("\n", " ").isprintable():
        text = _FORBIDDEN.sub("", text)
    return text.strip()


def is_clean(text: str) -> bool:
    """Whether `text` has no character that XML 1.0 forbids."""
    return _FORBIDDEN.search(text) is None


def clean_line(text: str) -> str:
    """`clean_text` on one line: every run of white space becomes one space."""
    return " ".join(clean_text(text).split())


def is_visible(text: str) -> bool:
    """Whether a reader would see anything at all."""
    return any(unicodedata.category(character) not in _INVISIBLE for character in text)


def has_text(field: str) -> Q:
    """The condition that `field` is not the empty string, for a CheckConstraint."""
    return ~Q(**{field: ""})
