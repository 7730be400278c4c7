"""Says why a page gave no article, so that its reader knows what to do."""

from __future__ import annotations

import re

from django.conf import settings
from lxml.etree import _Element

from core.errors import Upstream
from narration.trees import elements, strings

_ADVICE = "Send the text itself instead (source_type text)."
#: Above this much text, words such as "cookie" are the article's subject, not the obstacle.
_SHORT = 600
_CHALLENGE = re.compile(
    r"verify(ing)? (that )?you are (a )?human|just a moment|checking your browser|captcha"
    r"|unusual traffic|are you a robot|attention required|access denied|request blocked",
    re.IGNORECASE,
)
_SCRIPT = re.compile(
    r"(enable|requires?|turn on|without|need|activate)\W+(\w+\W+){0,4}javascript"
    r"|javascript\W+(\w+\W+){0,4}(disabled|required|enabled|turned off|not available)",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"\b(log|sign) ?in\b|\blogin\b|create (an|your) account|members only|\banmelden\b|se connecter",
    re.IGNORECASE,
)
_PAYWALL = re.compile(
    r"subscribe (now )?to (continue|read|keep)|already a subscriber|for (paid )?subscribers"
    r"|this (post|story|article) is for|to continue reading|become a (paid )?(member|subscriber)",
    re.IGNORECASE,
)
_CONSENT = re.compile(r"\bcookies?\b|\bconsent\b|privacy (settings|choices)", re.IGNORECASE)
#: Each is said by articles too, but no short one says two of them.
_CONSENT_WALL = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        r"\b(we|partners|site|wir)\b[^.]{0,60}\b(uses?|store|set|verwenden|nutzen)\b[^.]{0,40}\bcookies?\b",
        r"\b(accept|allow|reject|refuse|agree to|akzeptieren|ablehnen)\b[^.]{0,30}\b(all|cookies?|alle)\b",
        r"\b(give|your|withdraw|need)\b[^.]{0,20}\bconsent\b|\bconsent to\b|\bzustimmung\b|\beinwilligung\b",
        r"\b(privacy|cookie) (settings|choices|preferences|policy|notice|options)\b",
        r"value your privacy|before you continue",
    )
)
_SHELL_ROOTS = "//*[@id='root' or @id='app' or @id='__next' or @id='__nuxt' or @id='___gatsby']"
_ASKS_FOR_CONSENT = "asks for consent to cookies before it shows its text"
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?false', re.IGNORECASE)
_UNSEEN = " and ".join(
    f"not(ancestor::{name})" for name in ("script", "style", "template", "noscript")
)
_USUAL_SCRIPTS = 2


class ArticleNotFound(Upstream):
    """The page was fetched, but holds no article that a server can read."""

    code = "article_not_found"


def obstacle(tree: _Element, text: str) -> ArticleNotFound | None:
    """The obstacle that a page's short text betrays; None when the text may be the article.

    `tree` is the whole page, `text` what was extracted from it.
    """
    if len(text) > _SHORT:
        return None
    if _CHALLENGE.search(text) or _SCRIPT.search(text):
        return why_no_article(tree)
    if _PAYWALL.search(text) or _says_not_free(tree):
        return _refusal("shows its text to subscribers only (a paywall)")
    if sum(bool(said.search(text)) for said in _CONSENT_WALL) > 1:
        return _refusal(_ASKS_FOR_CONSENT)
    return None


def why_no_article(tree: _Element) -> ArticleNotFound:
    """The likeliest reason for a page without readable text, with advice."""
    page = _visible_text(tree)
    if len(page) <= _SHORT and _CHALLENGE.search(page):
        return _refusal("shows a check for robots instead of its text")
    if _says_not_free(tree) or _PAYWALL.search(page):
        return _refusal("shows its text to subscribers only (a paywall)")
    if elements(tree, "//input[@type='password']") or (len(page) <= _SHORT and _LOGIN.search(page)):
        return _refusal("asks to sign in before it shows its text")
    if _is_script_shell(tree, page):
        return _refusal("builds its text with JavaScript, so that only a browser can read it")
    if len(page) <= 2 * _SHORT and _CONSENT.search(page):
        return _refusal(_ASKS_FOR_CONSENT)
    least = settings.NARRATION_MINIMUM_CHARACTERS
    wanted = f"of at least {least} characters" if len(page) <= _SHORT else "that could be found"
    return _refusal(f"holds no article text {wanted}")


def _refusal(what: str) -> ArticleNotFound:
    return ArticleNotFound(f"Could not extract article content: the page {what}. {_ADVICE}")


def _is_script_shell(tree: _Element, page: str) -> bool:
    hints = [*strings(tree, "//noscript//text()"), page]
    if any(_SCRIPT.search(hint) for hint in hints) or elements(tree, _SHELL_ROOTS):
        return True
    return len(page) < _SHORT and len(elements(tree, "//script")) > _USUAL_SCRIPTS


def _says_not_free(tree: _Element) -> bool:
    scripts = strings(tree, "//script[@type='application/ld+json']/text()")
    return any(_NOT_FREE.search(script) for script in scripts)


def _visible_text(tree: _Element) -> str:
    words = strings(tree, f"//body//text()[{_UNSEEN}]")
    return " ".join(" ".join([*strings(tree, "//title//text()"), *words]).split())
