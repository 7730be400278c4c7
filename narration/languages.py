"""Finds out which language a text is in."""

from __future__ import annotations

import functools
import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_ENOUGH = 200  # characters; below, the identifier guesses
_LOOKED_AT = 10_000
_SURE = 0.9
_FEW_WORDS = 8
_NO_LANGUAGE = (
    "zxx"  # what the identifier calls a text of no language, such as a row of abbreviations
)
_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*", re.ASCII)


def language_of(text: str, *, declared: str = "", default: str = "en") -> str:
    """The language tag of `text`, such as "de" or "en-GB".

    The page's own word (`declared`) gives the region, and decides where the text is short or the
    identifier is in doubt; against a long, clear text it loses, because templates lie.
    """
    tag = _normal_tag(declared)
    words = " ".join(_WORD.findall(text[:_LOOKED_AT]))
    if not words:
        return tag or default
    found, probability = _identify(words)
    unclear = default if words.isascii() or found == _NO_LANGUAGE else found
    if len(set(words.lower().split())) < _FEW_WORDS:
        # A handful of words over and over says nothing: only a script of its own does.
        return tag or unclear
    if len(text) < _ENOUGH:
        return tag or (found if probability >= _SURE and found != _NO_LANGUAGE else unclear)
    if probability < _SURE or found == _NO_LANGUAGE:
        return tag or unclear
    if tag and tag.split("-")[0] == found:
        return tag
    return found


def _normal_tag(declared: str) -> str:
    stripped = declared.strip()
    if not _TAG.fullmatch(stripped) or len(stripped) > 35:  # noqa: PLR2004 - the longest tag of BCP 47
        return ""
    language, *rest = stripped.replace("_", "-").split("-")
    parts = [part.upper() if len(part) == 2 else part for part in rest]  # noqa: PLR2004 - a region
    return "-".join([language.lower(), *parts])


def _identify(text: str) -> tuple[str, float]:
    language, probability = loaded_identifier().classify(text[:_LOOKED_AT])
    return str(language), float(probability)


@functools.cache
def loaded_identifier() -> LanguageIdentifier:
    """Loaded on first use: the model takes a moment and some megabytes, and a temporary file."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
