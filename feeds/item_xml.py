"""One `<item>` of a feed as XML, built of plain strings: a page has up to a thousand of them.

What people wrote goes through `escape` or `cdata`, whatever the form of it; the rest is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from feeds.facts import ItemFacts
from feeds.notes import cdata, cut_html, notes_html, one_line
from feeds.xml_values import play_time, rfc2822, true_false


def item_xml(item: ItemFacts) -> str:
    """The item with its line end; equal facts give equal text."""
    title, notes = escape(one_line(item.title)), notes_html(item.description)
    lines = [
        "    <item>",
        f"      <title>{title}</title>",
        f"      <itunes:title>{title}</itunes:title>",
    ]
    if item.link:
        lines.append(f"      <link>{escape(item.link)}</link>")
    lines += (
        f'      <guid isPermaLink="false">{item.guid}</guid>',
        f"      <pubDate>{rfc2822(item.published_at)}</pubDate>",
        f"      {_enclosure(item)}",
    )
    if notes:
        whole, cut = cdata(notes), cut_html(notes)
        short = whole if cut is notes else cdata(cut)
        lines += (
            f"      <description>{short}</description>",
            f"      <content:encoded>{whole}</content:encoded>",
        )
    if item.author:
        lines.append(f"      <itunes:author>{escape(one_line(item.author))}</itunes:author>")
    if item.duration_seconds:
        lines.append(f"      <itunes:duration>{item.duration_seconds}</itunes:duration>")
    lines += (
        f"      <itunes:explicit>{true_false(item.explicit)}</itunes:explicit>",
        f"      <itunes:episodeType>{escape(item.episode_type)}</itunes:episodeType>",
        *_numbers(item),
        *_files(item),
    )
    if item.image_url:
        lines.append(f'      <itunes:image href="{escape(item.image_url)}"/>')
    if item.is_ai_generated:
        lines.append('      <podcast:txt purpose="ai-content">true</podcast:txt>')
    lines.append("    </item>\n")
    return "\n".join(lines)


def _enclosure(item: ItemFacts) -> str:
    url, mime_type = escape(item.enclosure_url), escape(one_line(item.enclosure_type))
    return f'<enclosure url="{url}" length="{item.enclosure_length}" type="{mime_type}"/>'


def _numbers(item: ItemFacts) -> Iterator[str]:
    if item.season:
        yield f"      <itunes:season>{item.season}</itunes:season>"
        yield f"      <podcast:season>{item.season}</podcast:season>"
    if item.episode_number:
        yield f"      <itunes:episode>{item.episode_number}</itunes:episode>"
        yield f"      <podcast:episode>{item.episode_number}</podcast:episode>"


def _files(item: ItemFacts) -> Iterator[str]:
    """The transcripts, and the chapters in both of their forms."""
    for transcript in item.transcripts:
        captions = ' rel="captions"' if transcript.is_timed else ""
        yield (
            f'      <podcast:transcript url="{escape(transcript.url)}" type="{transcript.mime_type}"'
            f' language="{escape(one_line(transcript.language))}"{captions}/>'
        )
    if item.chapters_url:
        url = escape(item.chapters_url)
        yield f'      <podcast:chapters url="{url}" type="application/json+chapters"/>'
    if item.chapters:
        yield '      <psc:chapters version="1.2">'
        for start, title in item.chapters:
            name = escape(one_line(title))
            yield f'        <psc:chapter start="{play_time(start)}" title="{name}"/>'
        yield "      </psc:chapters>"
