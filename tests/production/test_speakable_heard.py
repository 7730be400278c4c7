from __future__ import annotations

import pytest
from hibari.g2p import G2P

from production.speakable import speak


@pytest.fixture(scope="module")
def pronounce():
    return G2P()


@pytest.mark.parametrize(
    ("shown", "heard_like"),
    [
        ("Dr. Smith", "Doctor Smith"),
        ("$3.2 billion", "three point two billion dollars"),
        ("on 10 March 2024", "on the tenth of March, twenty twenty-four".replace(",", "")),
        ("Henry VIII", "Henry the eighth"),
        ("5 km/h", "five kilometers per hour"),
        ("https://example.com/a", "example dot com"),
        ("3½ hours", "three and a half hours"),
    ],
)
def test_the_default_voice_pronounces_numbers_and_signs_as_words(pronounce, shown, heard_like):
    assert pronounce(speak(shown)) == pronounce(heard_like)


def test_the_default_voice_spells_acronyms_and_says_words(pronounce):
    assert pronounce(speak("FBI")) == pronounce("F.B.I.").rstrip(".")
    assert pronounce(speak("NASA")) != pronounce("N.A.S.A.")
