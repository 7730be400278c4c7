"""English units of measure after a number, in words."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves
# ruff: noqa: RUF001 - unusual characters are this module's subject
# ruff: noqa: SIM905 - word lists read better as one string

from __future__ import annotations

import re
from collections.abc import Iterable

from production.speakable.english_numbers import NUMBER, NUMBER_START, amount, is_one

# Written unit -> (singular, plural). Upper and lower case differ: "MB" is not "Mb".
UNITS = {
    "nm": ("nanometer", "nanometers"), "μm": ("micrometer", "micrometers"),
    "mm": ("millimeter", "millimeters"), "cm": ("centimeter", "centimeters"),
    "dm": ("decimeter", "decimeters"), "m": ("meter", "meters"),
    "km": ("kilometer", "kilometers"), "mi": ("mile", "miles"), "ft": ("foot", "feet"),
    "yd": ("yard", "yards"), "yds": ("yard", "yards"), "ly": ("light year", "light years"),
    "μg": ("microgram", "micrograms"), "mg": ("milligram", "milligrams"), "g": ("gram", "grams"),
    "kg": ("kilogram", "kilograms"), "kgs": ("kilogram", "kilograms"), "t": ("ton", "tons"),
    "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"),
    "ml": ("milliliter", "milliliters"), "mL": ("milliliter", "milliliters"),
    "cl": ("centiliter", "centiliters"), "dl": ("deciliter", "deciliters"),
    "l": ("liter", "liters"), "L": ("liter", "liters"), "gal": ("gallon", "gallons"),
    "tsp": ("teaspoon", "teaspoons"), "tbsp": ("tablespoon", "tablespoons"),
    "ha": ("hectare", "hectares"), "sq ft": ("square foot", "square feet"),
    "sq km": ("square kilometer", "square kilometers"), "sq mi": ("square mile", "square miles"),
    "sq m": ("square meter", "square meters"),
    "ns": ("nanosecond", "nanoseconds"), "μs": ("microsecond", "microseconds"),
    "ms": ("millisecond", "milliseconds"), "s": ("second", "seconds"),
    "sec": ("second", "seconds"), "secs": ("second", "seconds"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"),
    "h": ("hour", "hours"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"),
    "yr": ("year", "years"), "yrs": ("year", "years"), "wks": ("week", "weeks"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", "degrees"),
    "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "bpm": ("beat per minute", "beats per minute"), "mpg": ("mile per gallon", "miles per gallon"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "THz": ("terahertz", "terahertz"),
    "kB": ("kilobyte", "kilobytes"), "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"), "PB": ("petabyte", "petabytes"),
    "EB": ("exabyte", "exabytes"), "KiB": ("kibibyte", "kibibytes"),
    "MiB": ("mebibyte", "mebibytes"), "GiB": ("gibibyte", "gibibytes"),
    "TiB": ("tebibyte", "tebibytes"), "kb": ("kilobit", "kilobits"), "Mb": ("megabit", "megabits"),
    "Gb": ("gigabit", "gigabits"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "kbit": ("kilobit", "kilobits"), "Mbit": ("megabit", "megabits"),
    "mW": ("milliwatt", "milliwatts"), "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"), "GW": ("gigawatt", "gigawatts"),
    "TW": ("terawatt", "terawatts"), "Wh": ("watt hour", "watt hours"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "MWh": ("megawatt hour", "megawatt hours"),
    "GWh": ("gigawatt hour", "gigawatt hours"), "TWh": ("terawatt hour", "terawatt hours"),
    "mV": ("millivolt", "millivolts"), "V": ("volt", "volts"), "kV": ("kilovolt", "kilovolts"),
    "mA": ("milliamp", "milliamps"), "mAh": ("milliamp hour", "milliamp hours"),
    "Ω": ("ohm", "ohms"), "kΩ": ("kilohm", "kilohms"), "hp": ("horsepower", "horsepower"),
    "J": ("joule", "joules"), "kJ": ("kilojoule", "kilojoules"), "MJ": ("megajoule", "megajoules"),
    "cal": ("calorie", "calories"), "kcal": ("kilocalorie", "kilocalories"),
    "Pa": ("pascal", "pascals"), "hPa": ("hectopascal", "hectopascals"),
    "kPa": ("kilopascal", "kilopascals"), "MPa": ("megapascal", "megapascals"),
    "psi": ("pound per square inch", "pounds per square inch"), "N": ("newton", "newtons"),
    "dB": ("decibel", "decibels"), "lm": ("lumen", "lumens"), "lx": ("lux", "lux"),
    "ppm": ("part per million", "parts per million"),
    "ppb": ("part per billion", "parts per billion"), "px": ("pixel", "pixels"),
    "dpi": ("dot per inch", "dots per inch"), "eV": ("electron volt", "electron volts"),
    "LUFS": ("L U F S", "L U F S"),
}  # fmt: skip
# What may follow a stroke: "km/h", "$5/month" (the money is in words by then), "kg/m3".
PER = {
    "h": "hour", "hr": "hour", "hour": "hour", "min": "minute", "minute": "minute", "s": "second",
    "sec": "second", "second": "second", "day": "day", "d": "day", "wk": "week", "week": "week",
    "mo": "month", "month": "month", "yr": "year", "year": "year", "kg": "kilogram", "g": "gram",
    "lb": "pound", "oz": "ounce", "l": "liter", "L": "liter", "dL": "deciliter", "dl": "deciliter",
    "ml": "milliliter", "mL": "milliliter", "m²": "square meter", "m³": "cubic meter",
    "m2": "square meter", "m3": "cubic meter", "km": "kilometer", "km²": "square kilometer",
    "cm³": "cubic centimeter", "cm²": "square centimeter", "mol": "mole", "kWh": "kilowatt hour",
    "person": "person", "user": "user", "gal": "gallon", "ha": "hectare", "s²": "second squared",
}  # fmt: skip
_POWERS = {"²": "square", "2": "square", "³": "cubic", "3": "cubic"}
_POWERED = frozenset("mm cm dm m km mi ft yd μm nm".split())
# One letter is a unit only close to its number, and these are too often something else.
_ATTACHED_ONLY = frozenset("h t N J V".split())


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_UNIT = _alternatives(UNITS)
_QUANTITY = re.compile(
    rf"{NUMBER_START}(-)?({NUMBER})(?:\s?[-–—]\s?({NUMBER})(?=\s?[^\d\s]))?([ -]?)({_UNIT})([²³23])?"
    rf"(?:/({_alternatives(PER)}))?(?![\w²³°])(?!'[a-z])"
)
_PER = re.compile(rf"(?<=[a-z])/({_alternatives(PER)})(?!\w)")
_MONEY_PER = re.compile(rf"(?<= per )({_alternatives(PER)})(?!\w)")
_FEET_INCHES = re.compile(r"(?<![\w.'\"])(\d{1,2})'\s?(\d{1,2})(?:\"|'')?(?![\w'\".])")


def say_units(text: str) -> str:
    """Replace quantities with a unit: "5 km/h" is "five kilometers per hour"."""
    text = _FEET_INCHES.sub(_feet_inches, text)
    text = _QUANTITY.sub(_quantity, text)
    return _MONEY_PER.sub(lambda found: PER[found[1]], text)


def _feet_inches(found: re.Match[str]) -> str:
    if int(found[2]) > 11:
        return found[0]
    return f"{amount(found[1])} foot {amount(found[2])}"


def _quantity(found: re.Match[str]) -> str:
    minus, low, high, gap, unit, power, per = found.groups()
    if (power and unit not in _POWERED) or (gap == " " and unit in _ATTACHED_ONLY):
        return found[0]
    if unit == "s" and not gap and (len(low) > 2 or low.endswith("0")) and not per:
        return found[0]  # "1990s", "747s"
    one, many = UNITS[unit]
    if power:
        one, many = f"{_POWERS[power]} {one}", f"{_POWERS[power]} {many}"
    adjective = gap == "-"
    name = one if adjective or (is_one(low) and not high) else many
    number = f"{amount(low)} to {amount(high)}" if high else amount(low)
    start = "minus " if minus else ""
    return f"{start}{number}{'-' if adjective else ' '}{name}" + (f" per {PER[per]}" if per else "")
