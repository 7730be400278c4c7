"""The kinds of refusal the domain can raise; each contract maps kinds to its own body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

_T = TypeVar("_T")


class PodwrightError(Exception):
    """A refusal with a stable `code`, a sentence for people and, where it helps, the field at fault.

    `details` are extra machine-readable facts (for example quota usage) that a contract may show.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details: Mapping[str, object] = details or {}


class NotFound(PodwrightError):
    """The object does not exist, or belongs to another account: callers cannot tell which."""

    code = "not_found"


class Conflict(PodwrightError):
    """The request is well formed but the present state does not allow it."""

    code = "conflict"


class Invalid(PodwrightError):
    """The input is wrong; `field` names where."""

    code = "invalid"


class TooLarge(Invalid):
    """What was sent is larger than is accepted."""

    code = "too_large"


class UnsupportedType(Invalid):
    """What was sent is of a kind that is not accepted, whatever it calls itself."""

    code = "unsupported_type"


class Unprocessable(Invalid):
    """Each part of the request is right, but not together with what was sent before."""

    code = "unprocessable"


class Forbidden(PodwrightError):
    """The caller is known, but may not do this."""

    code = "forbidden"


class PaymentRequired(PodwrightError):
    """It has to be paid for first; `details` say where."""

    code = "payment_required"


class QuotaExceeded(PodwrightError):
    """A plan or rate limit is used up; `details` carries the numbers."""

    code = "quota_exceeded"


class Upstream(PodwrightError):
    """Something outside (network, voice, store) failed; a retry may help."""

    code = "upstream"


def by_kind(error: PodwrightError, table: Mapping[type[PodwrightError], _T]) -> _T:
    """What the table of a contract holds for the error; its most special kind there decides."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)
