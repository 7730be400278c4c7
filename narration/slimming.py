"""Takes out of a huge page what is no text but would cost memory: scripts, styles, inline files."""

from __future__ import annotations

import re

#: Smaller pages are left as they are.
HUGE = 1_000_000
_OPENING = re.compile(r"<(script|style)\b([^>]{0,1000})>|<!--", re.IGNORECASE)
_CLOSING = {
    "script": re.compile("</script", re.IGNORECASE),
    "style": re.compile("</style", re.IGNORECASE),
}
_INLINE_FILE = re.compile(r"(?<=data:)[a-z]+/[a-z0-9.+-]+;base64,[a-z0-9+/=]{200,}", re.IGNORECASE)


def slimmed(html: str) -> str:
    """The page without the insides of scripts and styles, but those that are JSON: they have facts.

    An element without its end is left to the parser, with all that follows.
    """
    if len(html) < HUGE:
        return html
    kept: list[str] = []
    position = 0
    while opening := _OPENING.search(html, position):
        if opening[1] is None:  # what stands in a comment opens nothing
            # "<!-->" is a whole comment.
            end = html.find("-->", opening.start() + 2)
            is_kept, end = True, end + 3 if end >= 0 else end
        else:
            closing = _CLOSING[opening[1].lower()].search(html, opening.end())
            is_kept, end = "json" in opening[2].lower(), closing.start() if closing else -1
        if end < 0:
            break
        kept.append(html[position : end if is_kept else opening.end()])
        position = end
    kept.append(html[position:])
    return _INLINE_FILE.sub("", "".join(kept))
