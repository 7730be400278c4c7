"""English money: amounts with currency signs and codes, in words."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves
# ruff: noqa: RUF001 - unusual characters are this module's subject
# ruff: noqa: SIM905 - word lists read better as one string

from __future__ import annotations

import re
from dataclasses import dataclass

from babel.numbers import get_currency_name

from production.speakable.english_numbers import NUMBER, NUMBER_START, amount, cardinal, is_one


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency's words; one without a spoken hundredth part has no `cent`."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""


SIGNS = {
    "$": Currency("dollar", "dollars", "cent", "cents"),
    "£": Currency("pound", "pounds", "penny", "pence"),
    "€": Currency("euro", "euros", "cent", "cents"),
    "¥": Currency("yen", "yen"),
    "₹": Currency("rupee", "rupees", "paisa", "paise"),
    "₩": Currency("won", "won"),
    "₽": Currency("rouble", "roubles", "kopeck", "kopecks"),
    "₺": Currency("lira", "lira"),
    "₪": Currency("shekel", "shekels"),
    "฿": Currency("baht", "baht"),
    "₫": Currency("dong", "dong"),
    "₱": Currency("peso", "pesos"),
    "₦": Currency("naira", "naira"),
    "₴": Currency("hryvnia", "hryvnias"),
    "₿": Currency("bitcoin", "bitcoins"),
}
DOLLARS = {
    "US": "US", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
    "NZ": "New Zealand", "HK": "Hong Kong", "S": "Singapore", "NT": "New Taiwan",
}  # fmt: skip
CODES = (
    "USD EUR GBP JPY CHF CAD AUD NZD CNY INR SEK NOK DKK PLN CZK HUF RON BRL MXN ZAR RUB UAH TRY "
    "KRW SGD HKD THB IDR MYR PHP VND AED SAR ILS NGN KES EGP ARS CLP COP PEN TWD ISK BGN"
).split()
SCALES = {
    "thousand": "thousand", "k": "thousand",
    "million": "million", "mn": "million", "mio": "million", "m": "million", "mm": "million",
    "billion": "billion", "bn": "billion", "b": "billion",
    "trillion": "trillion", "tn": "trillion", "t": "trillion",
}  # fmt: skip

_SIGN = "[" + "".join(SIGNS) + "]"
_SCALE = r"(?:\s?(thousand|[mbtr]{1,2}illion|mn|mio|mm|bn|tn|[kKmMbBtT])(?![\w]))?"
_RANGE = rf"(?:\s?(?:[-–—]|to)\s?{_SIGN}?({NUMBER}))?"
_AMOUNT = rf"(?:\d{{1,6}},\d{{2}}(?!\d|,\d)|{NUMBER})"
_BEFORE = re.compile(
    rf"(?<![\w.,])([-+])?({'|'.join(DOLLARS)})?({_SIGN})\s?([-])?({_AMOUNT}){_RANGE}{_SCALE}"
    rf"(?:\s?/\s?(?=[A-Za-z]))?"
)
_AFTER = re.compile(rf"{NUMBER_START}({_AMOUNT}){_SCALE}\s?({_SIGN})(?![\d\w])")
_CENTS = re.compile(rf"{NUMBER_START}({NUMBER})\s?¢")
_CODE = "|".join(CODES)
_CODE_BEFORE = re.compile(rf"\b({_CODE})\s?({NUMBER}){_RANGE}{_SCALE}(?![\w])")
_CODE_AFTER = re.compile(rf"{NUMBER_START}({NUMBER}){_SCALE}\s?({_CODE})\b")
_EURO_DECIMALS = re.compile(r"^\d{1,6},\d{2}$")


def say_money(text: str) -> str:
    """Replace amounts of money: "$3.2 billion" is "three point two billion dollars"."""
    text = _BEFORE.sub(_sign_before, text)
    text = _AFTER.sub(lambda found: _money(found[1], "", found[2], SIGNS[found[3]]), text)
    text = _CENTS.sub(
        lambda found: f"{amount(found[1])} {'cent' if is_one(found[1]) else 'cents'}", text
    )
    text = _CODE_BEFORE.sub(
        lambda found: _money(found[2], found[3], found[4], _coded(found[1])), text
    )
    return _CODE_AFTER.sub(lambda found: _money(found[1], "", found[2], _coded(found[3])), text)


def _sign_before(found: re.Match[str]) -> str:
    outer_sign, country, sign, inner_sign, low, high, scale = found.groups()
    currency = SIGNS[sign]
    if country and sign == "$":
        name = DOLLARS[country]
        currency = Currency(f"{name} dollar", f"{name} dollars", "cent", "cents")
    elif country:
        return found[0]
    start = {"-": "minus ", "+": "plus ", None: ""}[outer_sign or inner_sign]
    per = " per " if found[0].rstrip().endswith("/") else ""
    return start + _money(low, high, scale, currency) + per


def _money(low: str, high: str | None, scale: str | None, currency: Currency) -> str:
    low, high = _decimal_point(low), _decimal_point(high or "")
    if high or scale:
        words = f"{amount(low)} to {amount(high)}" if high else amount(low)
        scale_word = f" {SCALES[scale.lower()]}" if scale else ""
        return f"{words}{scale_word} {currency.many}"
    whole, _point, fraction = low.partition(".")
    if len(fraction) == 2 and currency.cent:
        return _with_cents(whole.replace(",", "") or "0", int(fraction), currency)
    return f"{amount(low)} {currency.one if is_one(low) else currency.many}"


def _with_cents(whole: str, hundredths: int, currency: Currency) -> str:
    main = f"{amount(whole)} {currency.one if is_one(whole) else currency.many}"
    small = f"{cardinal(hundredths)} {currency.cent if hundredths == 1 else currency.cents}"
    if hundredths == 0:
        return main
    return small if int(whole) == 0 else f"{main} and {small}"


def _decimal_point(literal: str) -> str:
    return literal.replace(",", ".") if _EURO_DECIMALS.match(literal) else literal


def _coded(code: str) -> Currency:
    return Currency(
        get_currency_name(code, count=1, locale="en"), get_currency_name(code, count=2, locale="en")
    )
