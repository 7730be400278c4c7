"""How much of an article is found, and how much beside it: precision, recall and F1 over saved pages.

    python bench/extraction.py [--worst 5]

Each page of bench/pages stands beside the text that a reader would want. Texts are compared as bags
of four words in a row, as the public article extraction benchmark does. Beside ours: the extractor as
it comes, and the floor, which is all text that the page shows. Pages are of our own making (news,
blogs, long reads, recipes, forums, old and broken HTML, eight languages), or the documentation of
packages that Podwright uses (under their licences), set in such pages.
"""

# ruff: noqa: PLC0415 - settings have to be there before what reads them

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "bench" / "pages"
WORDS_IN_A_ROW = 4
_WORD = re.compile(r"\w+")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--worst", type=int, default=5, help="pages to name")
    worst = arguments.parse_args().worst
    _start_django()
    pages = sorted(PAGES.glob("*.html"))
    print(f"{len(pages)} pages{'precision':>22}{'recall':>10}{'F1':>10}")
    for name, extract in {"podwright": ours, "trafilatura": _theirs, "all text": _floor}.items():
        found = {page.stem: scores(page, extract) for page in pages}
        precision, recall = (sum(s[i] for s in found.values()) / len(found) for i in (0, 1))
        f1 = 2 * precision * recall / (precision + recall)
        print(f"{name:<20}{precision:>10.3f}{recall:>10.3f}{f1:>10.3f}")
        if name == "podwright":
            ranked = sorted(found, key=lambda stem: sum(found[stem]))[:worst]
            notes = [f"{stem} {found[stem][0]:.2f}/{found[stem][1]:.2f}" for stem in ranked]
    print("lowest (precision/recall):", ", ".join(notes))


def scores(page: Path, extract: Callable[[str], str]) -> tuple[float, float]:
    wanted = _bag(page.with_suffix(".txt").read_text(encoding="utf-8"))
    found = _bag(extract(page.read_text(encoding="utf-8")))
    both = (wanted & found).total()
    return both / max(found.total(), 1), both / max(wanted.total(), 1)


def _bag(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    rows = range(max(len(words) - WORDS_IN_A_ROW + 1, 1))
    return Counter(tuple(words[start : start + WORDS_IN_A_ROW]) for start in rows)


def ours(html: str) -> str:
    from core.errors import PodwrightError
    from narration.extraction import article_from_html, text_of

    try:
        return text_of(article_from_html(html, url="https://site.example/page").document.blocks)
    except PodwrightError as error:
        return error.message


def _theirs(html: str) -> str:
    import trafilatura

    return trafilatura.extract(html, include_comments=False) or ""


def _floor(html: str) -> str:
    from lxml.html import fromstring

    return fromstring(html.encode()).text_content()


def _start_django() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-this-bench")
    import django

    django.setup()


if __name__ == "__main__":
    main()
