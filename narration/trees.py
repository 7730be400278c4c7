"""Typed reads of lxml trees: what an XPath finds, as a list of one kind."""

from __future__ import annotations

from lxml.etree import _Element


def elements(tree: _Element, path: str) -> list[_Element]:
    """The elements that `path` finds."""
    found = tree.xpath(path)
    return [item for item in found if isinstance(item, _Element)] if isinstance(found, list) else []


def strings(tree: _Element, path: str) -> list[str]:
    """The texts or attribute values that `path` finds."""
    found = tree.xpath(path)
    return [str(item) for item in found if isinstance(item, str)] if isinstance(found, list) else []


def whole_text(element: _Element) -> str:
    """All text inside the element."""
    return "".join(str(piece) for piece in element.itertext())
