"""What becomes of the parts of a text that were written for the eye: read, described or left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

from core.errors import Invalid
from production.document import Block

Rule = Literal["read", "describe", "skip"]
RULES: tuple[str, ...] = get_args(Rule)

#: By language: one part, several parts ({n}), by kind of block.
_DESCRIPTIONS = {
    "en": {
        "code": ("A code example stands here.", "{n} code examples stand here."),
        "table": ("A table of {rows} rows stands here.", "{n} tables stand here."),
        "footnote": ("There is one footnote.", "There are {n} footnotes."),
        "link_list": ("A list of links stands here.", "A list of {n} links stands here."),
        "caption": ("A picture stands here.", "{n} pictures stand here."),
    },
    "de": {
        "code": ("Hier steht ein Codebeispiel.", "Hier stehen {n} Codebeispiele."),
        "table": ("Hier steht eine Tabelle mit {rows} Zeilen.", "Hier stehen {n} Tabellen."),
        "footnote": ("Es gibt eine Fußnote.", "Es gibt {n} Fußnoten."),
        "link_list": ("Hier steht eine Linkliste.", "Hier steht eine Liste mit {n} Links."),
        "caption": ("Hier steht ein Bild.", "Hier stehen {n} Bilder."),
    },
    "fr": {
        "code": ("Ici, un exemple de code.", "Ici, {n} exemples de code."),
        "table": ("Ici, un tableau de {rows} lignes.", "Ici, {n} tableaux."),
        "footnote": ("Il y a une note.", "Il y a {n} notes."),
        "link_list": ("Ici, une liste de liens.", "Ici, une liste de {n} liens."),
        "caption": ("Ici, une image.", "Ici, {n} images."),
    },
    "es": {
        "code": ("Aquí hay un ejemplo de código.", "Aquí hay {n} ejemplos de código."),
        "table": ("Aquí hay una tabla de {rows} filas.", "Aquí hay {n} tablas."),
        "footnote": ("Hay una nota al pie.", "Hay {n} notas al pie."),
        "link_list": ("Aquí hay una lista de enlaces.", "Aquí hay una lista de {n} enlaces."),
        "caption": ("Aquí hay una imagen.", "Aquí hay {n} imágenes."),
    },
}


class ReadingRulesInvalid(Invalid):
    """A rule or the part that it is for does not exist."""

    code = "reading_rules_invalid"


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """One rule for each kind of part; what is not read is listed in the script's `left_out`."""

    code: Rule = "skip"
    tables: Rule = "skip"
    footnotes: Rule = "skip"
    link_lists: Rule = "skip"
    captions: Rule = "skip"

    def rule_for(self, kind: str) -> Rule:
        """The rule for a block of `kind`; text is always read."""
        name = kind if kind == "code" else f"{kind}s"
        rule: Rule = getattr(self, name) if name in PARTS else "read"
        return rule


DEFAULT_RULES = ReadingRules()
PARTS = tuple(field.name for field in fields(ReadingRules))


def checked_rules(given: object, *, field: str = "rules") -> dict[str, str]:
    """The rules that `given`, from outside, names: part -> rule. Raises `ReadingRulesInvalid`."""
    if not isinstance(given, Mapping):
        raise ReadingRulesInvalid(
            f"{field} must be an object such as {{'code': 'describe'}}", field=field
        )
    for part, rule in given.items():
        if part not in PARTS:
            raise ReadingRulesInvalid(f"{field} may name {', '.join(PARTS)} only", field=field)
        if rule not in RULES:
            raise ReadingRulesInvalid(
                f"{field}.{part} must be one of {', '.join(RULES)}", field=f"{field}.{part}"
            )
    return {str(part): str(rule) for part, rule in given.items()}


def description(parts: Sequence[Block], language: str) -> str:
    """One sentence that says what stands here instead of `parts`, which are of one kind.

    "" in a language for which no words are known: a voice must not change the language.
    """
    words = _DESCRIPTIONS.get(language.replace("_", "-").split("-", 1)[0].lower(), {})
    one, several = words.get(parts[0].kind, ("", ""))
    if len(parts) > 1:
        return several.format(n=len(parts))
    return one.format(rows=parts[0].text.count("\n") + 1)
