# ruff: noqa: RUF001 - unusual characters are the subject
from __future__ import annotations

import pytest

from production.speakable import speak


class TestEnglishNumbers:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            (
                "5 of 1,234,567",
                "five of one million two hundred thirty-four thousand five hundred sixty-seven",
            ),
            ("3.14 and 0.5 and .5", "three point one four and zero point five and point five"),
            ("-5 and −7", "minus five and minus seven"),
            ("1st 2nd 22nd 101st", "first second twenty-second one hundred first"),
            ("in 1872", "in eighteen seventy-two"),
            ("In 1905 and 2009", "In nineteen oh five and two thousand nine"),
            ("1750 people in 1750", "one thousand seven hundred fifty people in seventeen fifty"),
            ("1500 people", "fifteen hundred people"),
            ("in 2019", "in twenty nineteen"),
            ("2019 units", "two thousand nineteen units"),
            ("the 1990s and '80s", "the nineteen nineties and eighties"),
            ("1914-1918", "nineteen fourteen to nineteen eighteen"),
            ("(1872–1950)", "(eighteen seventy-two to nineteen fifty)"),
            ("2019-20", "twenty nineteen to twenty"),
            ("pages 10-12", "pages ten to twelve"),
            ("1/2, 3/4, 2½, ½", "one half, three quarters, two and a half, one half"),
            ("24/7", "twenty-four seven"),
            ("3/10", "three out of ten"),
            ("45% or 5-10%", "forty-five percent or five to ten percent"),
            ("3x faster", "three times faster"),
            ("1920×1080", "one thousand nine hundred twenty by one thousand eighty"),
            ("No. 5 and #6", "number five and number six"),
            ("10k, 4K, 5M users", "ten thousand, four K, five million users"),
            ("007", "zero zero seven"),
            ("12345678901", "one two three four five six seven eight nine zero one"),
            ("1,00,000", "one hundred thousand"),
            ("v1.2.3", "version one point two point three"),
            ("GPT-4 and B52", "GPT-four and B fifty-two"),
            ("a 5-year-old", "a five-year-old"),
            ("10^6 and 10⁶", "ten to the power of six and ten to the power of six"),
            ("2*3", "two times three"),
            ("٣ apples", "three apples"),
            ("3. Mix it", "three, Mix it"),
        ],
    )
    def test_are_spelled_out(self, shown, spoken):
        assert speak(shown) == spoken

    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
            ("555-123-4567", "five five five, one two three, four five six seven"),
            ("call 555-1234", "call five five five, one two three four"),
            ("0800 123 4567", "zero eight zero zero, one two three, four five six seven"),
        ],
    )
    def test_of_telephones_are_said_digit_by_digit(self, shown, spoken):
        assert speak(shown) == spoken


class TestEnglishMoney:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("$3.2 billion", "three point two billion dollars"),
            ("$1.50", "one dollar and fifty cents"),
            ("$0.99", "ninety-nine cents"),
            ("$1 and $5", "one dollar and five dollars"),
            ("-$5", "minus five dollars"),
            ("$1,299.00", "one thousand two hundred ninety-nine dollars"),
            ("£5m", "five million pounds"),
            ("£3.01", "three pounds and one penny"),
            ("5€ or €1,50", "five euros or one euro and fifty cents"),
            ("¥500", "five hundred yen"),
            ("₹1,00,000", "one hundred thousand rupees"),
            ("USD 5", "five US dollars"),
            ("20 CHF", "twenty Swiss francs"),
            ("A$3", "three Australian dollars"),
            ("$5-10", "five to ten dollars"),
            ("$1–2 million", "one to two million dollars"),
            ("$5/month", "five dollars per month"),
            ("50¢", "fifty cents"),
        ],
    )
    def test_is_said_with_its_unit_last(self, shown, spoken):
        assert speak(shown) == spoken


class TestEnglishDatesAndTimes:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("2024-01-15", "January fifteenth, twenty twenty-four"),
            ("2024-01-15T10:30:00Z", "January fifteenth, twenty twenty-four at ten thirty UTC"),
            ("Jan. 5th, 2019", "January fifth, twenty nineteen"),
            ("on 10 March 2024", "on the tenth of March twenty twenty-four"),
            ("the 10 March", "the tenth of March"),
            ("Mar. 5-7", "March fifth to seventh"),
            ("March 1850", "March eighteen fifty"),
            ("Mon., Jan. 5", "Monday, January fifth"),
            ("13/4/2024", "April thirteenth, twenty twenty-four"),
            ("4/13/2024", "April thirteenth, twenty twenty-four"),
            ("9:30am", "nine thirty A.M."),
            ("at 9 a.m., then", "at nine A.M., then"),
            ("It ended at 5 p.m.", "It ended at five P.M."),
            ("14:05", "fourteen oh five"),
            ("9:00", "nine o'clock"),
            ("9am-5pm", "nine A.M. to five P.M."),
            ("9:30–10:15", "nine thirty to ten fifteen"),
            ("16:9", "sixteen to nine"),
        ],
    )
    def test_are_said_as_people_say_them(self, shown, spoken):
        assert speak(shown) == spoken

    @pytest.mark.parametrize(
        ("language", "spoken"),
        [
            ("en", "three, four, twenty twenty-four"),
            ("en-US", "March fourth, twenty twenty-four"),
            ("en-GB", "April third, twenty twenty-four"),
        ],
    )
    def test_whose_order_is_unknown_are_not_guessed(self, language, spoken):
        assert speak("3/4/2024", language) == spoken

    @pytest.mark.parametrize("shown", ["2024-13-45", "99:99", "32/32/2024", "Jan. 99"])
    def test_that_cannot_be_are_still_said(self, shown):
        spoken = speak(shown)

        assert spoken
        assert not any(map(str.isdigit, spoken))


class TestEnglishUnits:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("5 km, 1 km", "five kilometers, one kilometer"),
            ("a 5-km run", "a five-kilometer run"),
            ("20°C and -5 °F", "twenty degrees Celsius and minus five degrees Fahrenheit"),
            ("16 GB", "sixteen gigabytes"),
            ("60 mph", "sixty miles per hour"),
            ("100 m²", "one hundred square meters"),
            ("80 km/h", "eighty kilometers per hour"),
            ("9.8 m/s²", "nine point eight meters per second squared"),
            ("10-20 kg", "ten to twenty kilograms"),
            ("5'10\"", "five foot ten"),
            ("747s", "seven hundred forty-sevens"),
        ],
    )
    def test_are_spelled_out(self, shown, spoken):
        assert speak(shown) == spoken


class TestEnglishAbbreviations:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("Dr. Smith of 12 Elm Dr.", "Doctor Smith of twelve Elm Drive"),
            ("St. Paul on Main St.", "Saint Paul on Main Street"),
            ("e.g. this, i.e. that", "for example this, that is that"),
            ("cats, dogs, etc.", "cats, dogs, et cetera."),
            ("A vs. B", "A versus B"),
            ("approx. 5", "approximately five"),
            ("Fig. 3, pp. 5-7", "Figure three, pages five to seven"),
            ("Apple Inc. grew", "Apple Incorporated grew"),
            ("NASA and the FBI in the U.S.", "NASA and the FBI in the U.S."),
            ("CO₂", "C O two"),
        ],
    )
    def test_are_expanded(self, shown, spoken):
        assert speak(shown) == spoken

    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("Chapter IV", "Chapter four"),
            ("Henry VIII", "Henry the eighth"),
            ("Queen Elizabeth II", "Queen Elizabeth the second"),
            ("World War II and WWI", "World War Two and World War One"),
            ("the XXI century", "the twenty-first century"),
            ("Rocky IV", "Rocky four"),
            ("Malcolm X", "Malcolm X"),
            ("An IV drip", "An IV drip"),
            ("Henry I think", "Henry I think"),
            ("I mix VI", "I mix VI"),
        ],
    )
    def test_of_roman_numerals_need_a_clear_sign(self, shown, spoken):
        assert speak(shown) == spoken


class TestEnglishWebAddresses:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("See https://www.example.com/a/b?c=d#e.", "See example dot com."),
            ("(http://user:pw@foo-bar.co.uk:8080/x)", "(foo dash bar dot co dot UK)"),
            ("go to example.com/path now", "go to example dot com now"),
            ("a.b+c@example.org", "a dot b plus c at example dot org"),
            ("@some_user on #CamelCase", "at some user on hashtag Camel Case"),
            ("Node.js", "Node.js"),
        ],
    )
    def test_shrink_to_their_host(self, shown, spoken):
        assert speak(shown) == spoken


class TestEnglishSigns:
    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("R&D & more", "R and D and more"),
            ("C++, C# and F#", "C plus plus, C sharp and F sharp"),
            ("x = 5", "x equals five"),
            ("n ≥ 5 ± 1", "n greater than or equal to five plus or minus one"),
            ("~30%", "about thirty percent"),
            ("§ 5", "section five"),
            ("© 2024 Foo™", "copyright twenty twenty-four Foo"),
            ("he/she and/or AC/DC", "he or she and or AC DC"),
            ("α-particles", "alpha-particles"),
            ("left—right", "left — right"),
            ("snake_case", "snake case"),
        ],
    )
    def test_are_said_or_silent(self, shown, spoken):
        assert speak(shown) == spoken

    @pytest.mark.parametrize(
        ("shown", "spoken"),
        [
            ("Hello 😀 world 👨‍👩‍👧!", "Hello world!"),
            ("Done.[1] Next[2][3] note.¹", "Done. Next note."),
            ("Wait... what . . . yes!!!", "Wait… what… yes!"),
            ("one ----- two ===== three", "one two three"),
            ("a\x00b\x07c\u200bd", "abcd"),
            ("so ¯\\_(ツ)_/¯ it is", "so it is"),
            ("“Yes,” she said", '"Yes," she said'),
        ],
    )
    def test_that_cannot_be_said_are_dropped(self, shown, spoken):
        assert speak(shown) == spoken

    @pytest.mark.parametrize("shown", ["", " ", "😀", "—", "* * *", "…", "\x00", ":)", "これは。"])
    def test_alone_make_nothing_to_say(self, shown):
        assert speak(shown) == ""


SAMPLES = [
    "Dr. Smith met Mr. J. K. Smith at St. Paul's, 12 Elm Dr., on Jan. 5th, 2019 at 9:30am.",
    "It cost $3.2 billion, €1,50 or USD 5; 45% of 1,234.5 kg in 1872 (see Fig. 3 and pp. 5-7).",
    "See https://www.example.com/a?b=c, a.b@example.org, R&D, C++, x² + y ≥ 5, etc.",
    "Henry VIII, World War II, 80 km/h, 20°C, the '90s, 1990s, 24/7, 2½ and 3x faster, No. 5.",
]


class TestSpeak:
    @pytest.mark.parametrize("shown", SAMPLES)
    def test_leaves_no_digit_and_no_sign(self, shown):
        spoken = speak(shown)

        assert not set(spoken) & set("0123456789$€%&@#*_=+<>[]{}|\\^~`/°²")

    @pytest.mark.parametrize("shown", SAMPLES)
    def test_changes_nothing_the_second_time(self, shown):
        spoken = speak(shown)

        assert speak(spoken) == spoken

    @pytest.mark.parametrize("language", ["en", "de", "zz", "", "../../x", "\x00", "EN_gb"])
    def test_accepts_any_language(self, language):
        assert "word" in speak("A word and 5", language)


HOSTILE = [
    "1", ".", "1,1,1,", "1,", "1.", "@", "a@", "a.", "www.", "http://", "#", "$", "$1", "-", "1-",
    "1/", "1:", "a", "I", "IV", "'", "1'", "[1", "Jan ", "May 1 ", "+1 ", "(555) ", "Dr", "St. ",
    "½", "²", "/", "—", "\x00", "😀", "_", "=", "^1", "No.", "1K", "Main St. ", "00-", "v1.", "£1,",
    "Henry ", "%", "ab.com", "1:11-", "9 am-", "… ", ". . ", "x" * 40 + " ",
]  # fmt: skip


class TestHostileText:
    @pytest.mark.parametrize("pattern", HOSTILE)
    def test_of_any_pattern_is_read_to_its_end(self, pattern):
        """The suite's time limit is the bound: a pattern that retries would need hours."""
        text = pattern * (100_000 // len(pattern)) + " finally the end"

        assert speak(text).endswith("the end")

    def test_of_digits_keeps_every_digit(self):
        assert speak("7" * 1000).split() == ["seven"] * 1000


class TestOtherLanguages:
    @pytest.mark.parametrize(
        ("language", "shown", "spoken"),
        [
            ("de", "3,5 % & mehr", "drei Komma fünf Prozent und mehr"),
            ("de-AT", "1.234 €", "eintausendzweihundertvierunddreißig Euro"),
            ("fr", "Il a 21 ans", "Il a vingt et un ans"),
            ("es", "1.234 personas", "mil doscientos treinta y cuatro personas"),
            ("de", "Siehe https://www.beispiel.de/a.", "Siehe beispiel Punkt de."),
            ("nb", "21 😀 ord", "tjueen ord"),
        ],
    )
    def test_spell_out_numbers(self, language, shown, spoken):
        assert speak(shown, language) == spoken

    def test_that_nobody_can_spell_keep_the_figures(self):
        assert speak("5 apples 😀", "xx") == "5 apples"

    def test_do_not_misread_separators(self):
        assert speak("1.5 und 0049", "de") == "1.5 und 0049"
