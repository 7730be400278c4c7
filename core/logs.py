"""One log pipeline: structlog events as JSON lines on standard error, request and task ids bound."""

from __future__ import annotations

import logging

import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class WithoutPath(logging.Filter):
    """Gives Django's line about a failed request a fixed text: its own holds the path.

    A path may be a feed token. The trace stays, and the line about the request's end has the route.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let failures through, rewritten; drop what only repeats a 4xx answer."""
        if record.exc_info is None:
            return False
        record.msg, record.args = "request_failed", ()
        return True


class WithoutCsrfPath(logging.Filter):
    """Leaves the kind of reason in Django's line about a refused form, and drops path and address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through, rewritten."""
        reason = (
            str(record.args[0]) if isinstance(record.args, tuple) and record.args else "unknown"
        )
        # What follows the dash is an address that the client sent.
        record.msg, record.args = "csrf_refused: %s", (reason.split(" - ", 1)[0].rstrip("."),)
        return True


def logging_settings() -> dict[str, object]:
    """Django's LOGGING value; also configures structlog, so that both write the same lines."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "filters": {
            "without_path": {"()": WithoutPath},
            "without_csrf_path": {"()": WithoutCsrfPath},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django.request": {"filters": ["without_path"]},
            "django.security.csrf": {"filters": ["without_csrf_path"]},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "trafilatura": {"level": "CRITICAL"},
        },
    }
