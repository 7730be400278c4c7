"""Renders facts to the feed document; items that did not change are taken over as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.template import Template, engines
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from feeds.facts import ChannelFacts, ItemFacts
from feeds.notes import cut_html, cut_text, notes_html, plain_text

_TEMPLATES = ("feeds/channel.xml", "feeds/item.xml")


@dataclass(frozen=True, slots=True)
class RenderedFeed:
    """The document, and its item fragments by the digest of their facts, to be kept for next time."""

    document: bytes
    fragments: Mapping[str, str]
    newly_rendered: int


def render_feed(
    channel: ChannelFacts, items: Sequence[ItemFacts], *, kept: Mapping[str, str]
) -> RenderedFeed:
    """The whole document as UTF-8 bytes; `kept` are fragments of an earlier rendering.

    Equal facts give equal bytes: nothing of the clock, the process or the request gets in.
    """
    fragments: dict[str, str] = {}
    rendered = 0
    for item in items:
        digest = item_digest(item)
        fragment = kept.get(digest)
        if fragment is None:
            fragment = render_item(item)
            rendered += 1
        fragments[digest] = fragment
    document = get_template("feeds/channel.xml").render(
        {
            "channel": channel,
            "description": cut_text(plain_text(channel.description) or channel.title),
            "newest": items[0].published_at if items else None,
            "items": _safe("".join(fragments.values())),
        }
    )
    return RenderedFeed(document.encode(), fragments, rendered)


def render_item(item: ItemFacts) -> str:
    """One `<item>` with its line end."""
    notes = notes_html(item.description)
    return get_template("feeds/item.xml").render(
        {"item": item, "notes": notes, "short_notes": cut_html(notes)}
    )


def item_digest(item: ItemFacts) -> str:
    """Names the fragment of `item`: other facts, templates or program, another name."""
    content = f"{templates_digest()}{item!r}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def templates_digest() -> str:
    """Changes with the program's version and with the templates themselves."""
    digest = hashlib.blake2b(settings.VERSION.encode(), digest_size=16)
    for name in _TEMPLATES:
        digest.update(_source(name).encode())
    return digest.hexdigest()


def _source(name: str) -> str:
    template: Template = engines["django"].get_template(name).template  # type: ignore[attr-defined]
    return str(template.source)


def _safe(items: str) -> SafeString:
    return mark_safe(items)  # noqa: S308 - rendered by our own template, which escaped it
