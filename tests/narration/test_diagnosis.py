from __future__ import annotations

import pytest

from narration.diagnosis import ArticleNotFound
from narration.extraction import article_from_html
from tests.narration.pages import PARAGRAPHS, page

TEASER = f"<article><p>{PARAGRAPHS[0]}</p></article>"
NOT_FREE = '<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":false}</script>'


def reason_of(html):
    with pytest.raises(ArticleNotFound) as refusal:
        article_from_html(html, url="https://site.example/p")
    assert "source_type text" in refusal.value.message
    return refusal.value.message


@pytest.mark.parametrize(
    "html",
    [
        page("<form><input name=user><input type=password><button>Go</button></form>"),
        page("<main><p>Please sign in to continue.</p></main>"),
    ],
)
def test_recognises_a_login_form(html):
    assert "asks to sign in" in reason_of(html)


@pytest.mark.parametrize(
    "html",
    [
        page("<div id=root></div><noscript>You need to enable JavaScript to run this.</noscript>"),
        page('<div id="__next"></div><script src="a.js"></script>'),
        page("<p>This site requires JavaScript.</p>"),
        page(
            "<article><p>JavaScript is disabled in your browser. Please enable JavaScript to proceed "
            "to the page you asked for; a required part of this site could not load.</p></article>"
        ),
    ],
)
def test_recognises_a_page_that_scripts_build(html):
    assert "JavaScript" in reason_of(html)


@pytest.mark.parametrize(
    "html",
    [
        page(TEASER, head=NOT_FREE),
        page(
            f"{TEASER}<p>Subscribe to continue reading.</p>".replace("</article>", "")
            + "</article>"
        ),
        page("<p>Already a subscriber? Log in.</p>"),
    ],
)
def test_recognises_a_paywall(html):
    assert "paywall" in reason_of(html)


@pytest.mark.parametrize(
    "text",
    [
        "<p>We and our partners use cookies.</p><button>Accept</button>",
        (
            "<h1>We value your privacy</h1><p>We and our partners store cookies on your device. Please "
            "give consent to all cookies, or open the privacy settings.</p><button>Accept</button>"
        ),
        (
            "<p>Wir und unsere Partner verwenden auf diesen Seiten Cookies, um Inhalte zu zeigen und zu "
            "messen, was gelesen wird. Dazu brauchen wir deine Einwilligung.</p>"
        ),
    ],
)
def test_recognises_a_wall_of_consent(text):
    assert "consent to cookies" in reason_of(page(f"<div>{text}</div>"))


def test_a_short_recipe_may_be_for_cookies():
    text = (
        "Mix flour, butter and sugar, and bake the cookies for ten minutes until all are brown. "
        * 2
    )

    assert article_from_html(
        page(f"<article><p>{text}</p></article>"), url="https://site.example/p"
    )


@pytest.mark.parametrize(
    "text", ["Just a moment...", "Verify you are human by completing the action below."]
)
def test_recognises_a_check_for_robots(text):
    assert "check for robots" in reason_of(page(f"<main><p>{text}</p></main>", title=text))


def test_says_so_when_it_recognises_nothing():
    assert "at least 100 characters" in reason_of(page("<main><p>Picture of the day.</p></main>"))


@pytest.mark.parametrize(
    "subject",
    [
        "How to enable JavaScript in old browsers, and why it was turned off.",
        "Sign in or log in? A short history of two verbs and of the password field.",
        "The cookie law and the question of consent, ten years on.",
        "Verify you are human: the story of the captcha.",
        "To continue reading was all she wanted.",
    ],
)
def test_a_long_article_may_be_about_any_of_it(subject):
    html = page(f"<article><h1>{subject}</h1><p>{subject} {' '.join(PARAGRAPHS * 2)}</p></article>")

    assert article_from_html(html, url="https://site.example/p").characters > 600
