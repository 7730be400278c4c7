"""Pages for the tests of narration."""

from __future__ import annotations

PARAGRAPHS = """\
Trains have run on this line for a hundred and fifty years, and the people of the valley set their \
clocks by them, for the trains are never late.
It began in 1872, when a line of twenty-nine kilometres was opened between two cities that had until \
then been a day's walk apart.
Since then the company has bought land along the way, and it is the land, not the tickets, that pays \
for the punctuality.
Whether other countries can copy the idea is a question that has kept planners busy ever since.
""".splitlines()
ARTICLE_BODY = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)


def page(
    body: str = "", *, head: str = "", title: str = "The Land That Pays", lang: str = "en"
) -> str:
    """A whole page around `body`, which is an article unless given."""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f"{head}</head><body><nav><a href='/'>Home</a> <a href='/about'>About</a></nav>"
        f"{body or f'<article><h1>{title}</h1>{ARTICLE_BODY}</article>'}"
        "<footer>All rights reserved.</footer></body></html>"
    )
