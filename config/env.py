"""The only reader of the process environment: every setting by name, typed and checked once."""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

#: Engines and writers that a name may choose; the registries in production and studio build them.
TTS_ENGINES = ("hibari", "piper", "openai", "fake")
DOWNLOAD_WINDOWS = ("first_touch", "calendar", "last_touch")
WRITERS = ("extractive", "openai", "gguf", "fake")
PLANS = ("sandbox", "agent_pro", "agent_scale", "enterprise")
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql")
REDIS_SCHEMES = ("redis", "rediss")
MOST_DIGITS = 12
LONGEST_SHOWN = 60
#: A day of speech; JSON bodies hold no more either.
MOST_CHARACTERS = 1_000_000

#: Set by Podwright for its own children (core/parent.py), never by people.
INTERNAL_NAMES = frozenset({"SUPERVISED"})
#: Secrets may stand in a file of their own instead: `<NAME>_FILE`.
SECRET_NAMES = frozenset(
    {
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "AWS_SECRET_ACCESS_KEY",
        "TTS_API_KEY",
        "OP3_TOKEN",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "LLM_API_KEY",
    }
)


class BadSetting(Exception):
    """A setting that cannot be used; the message is one line that names it and the mend."""


@dataclass(frozen=True, slots=True)
class Environment:
    """All settings of one process, already typed."""

    port: int
    host: str
    data_dir: Path
    public_url: str
    secret_key: str
    allowed_hosts: tuple[str, ...]
    database_url: str
    redis_url: str
    trusted_proxies: Networks
    outbound_allow: Networks
    default_plan: str
    signups_per_hour: int
    signups_open: bool
    aws_storage_bucket_name: str
    aws_s3_endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str
    media_url: str
    media_accel: str
    tts_engine: str
    tts_base_url: str
    tts_api_key: str
    tts_model: str
    writer: str
    llm_base_url: str
    llm_api_key: str
    llm_model: str
    llm_model_path: str
    op3_prefix: str
    op3_token: str
    op3_api_base: str
    download_window: str
    burst_flag: int
    burst_limit: int
    busy_address_limit: int
    count_relays: bool
    count_probes: bool
    join_playback_sessions: bool
    hit_days: int
    access_log: str
    analytics_gated: bool
    workers: int
    web_threads: int
    cover_max_bytes: int
    requests_per_minute: int
    narrations_per_hour: int
    narration_minimum_characters: int
    narration_free_characters: int
    narration_paid_characters: int
    stripe_secret_key: str
    stripe_webhook_secret: str
    stripe_api_base: str


#: Every name that Podwright reads. `PODWRIGHT_<NAME>` is accepted for each, and wins over the bare
#: name, so that several programs can share one environment.
NAMES = frozenset(field.name.upper() for field in fields(Environment))


def read_environment() -> Environment:
    """Read and check all settings; raises `BadSetting` with one clear line."""
    _refuse_unknown_names()
    env = environ.Env()
    port = _integer(env, "PORT", 8000, low=1, high=65_535)
    host = _text(env, "HOST", "127.0.0.1")
    public_url = _web_address(env, "PUBLIC_URL", f"http://{_reachable(host)}:{port}").rstrip("/")
    data_dir = Path(_text(env, "DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
    stripe_key = _secret(env, "STRIPE_SECRET_KEY", "")
    stripe_webhook_secret = _secret(env, "STRIPE_WEBHOOK_SECRET", "")
    return Environment(
        port=port,
        host=host,
        data_dir=data_dir,
        public_url=public_url,
        secret_key=_secret(env, "SECRET_KEY", "") or _made_secret_key(data_dir),
        allowed_hosts=_list(env, "ALLOWED_HOSTS") or _default_hosts(public_url, host),
        database_url=_service_address(
            env, "DATABASE_URL", f"sqlite:///{data_dir / 'podwright.sqlite3'}", DATABASE_SCHEMES
        ),
        redis_url=_service_address(env, "REDIS_URL", "", REDIS_SCHEMES),
        trusted_proxies=_networks(env, "TRUSTED_PROXIES"),
        outbound_allow=_networks(env, "OUTBOUND_ALLOW"),
        default_plan=_choice(env, "DEFAULT_PLAN", "sandbox", PLANS),
        signups_per_hour=_integer(env, "SIGNUPS_PER_HOUR", 20, low=0, high=1_000_000),
        signups_open=_boolean(env, "SIGNUPS_OPEN", default=True),
        aws_storage_bucket_name=_text(env, "AWS_STORAGE_BUCKET_NAME", ""),
        aws_s3_endpoint_url=_web_address(env, "AWS_S3_ENDPOINT_URL", ""),
        aws_access_key_id=_text(env, "AWS_ACCESS_KEY_ID", ""),
        aws_secret_access_key=_secret(env, "AWS_SECRET_ACCESS_KEY", ""),
        media_url=_web_address(env, "MEDIA_URL", "").rstrip("/"),
        media_accel=_path(env, "MEDIA_ACCEL").rstrip("/"),
        tts_engine=_choice(env, "TTS_ENGINE", "hibari", TTS_ENGINES),
        tts_base_url=_web_address(env, "TTS_BASE_URL", "").rstrip("/"),
        tts_api_key=_secret(env, "TTS_API_KEY", ""),
        tts_model=_text(env, "TTS_MODEL", "tts-1"),
        **_writer_settings(env),
        op3_prefix=_web_address(env, "OP3_PREFIX", ""),
        op3_token=_secret(env, "OP3_TOKEN", ""),
        op3_api_base=_web_address(env, "OP3_API_BASE", "https://op3.dev/api/1").rstrip("/"),
        download_window=_choice(env, "DOWNLOAD_WINDOW", "first_touch", DOWNLOAD_WINDOWS),
        burst_flag=_integer(env, "BURST_FLAG", 50, low=0, high=1_000_000),
        burst_limit=_integer(env, "BURST_LIMIT", 200, low=0, high=1_000_000),
        busy_address_limit=_integer(env, "BUSY_ADDRESS_LIMIT", 500, low=0, high=1_000_000_000),
        count_relays=_boolean(env, "COUNT_RELAYS", default=True),
        count_probes=_boolean(env, "COUNT_PROBES", default=False),
        join_playback_sessions=_boolean(env, "JOIN_PLAYBACK_SESSIONS", default=False),
        hit_days=_integer(env, "HIT_DAYS", 90, low=3, high=3_650),
        access_log=_text(env, "ACCESS_LOG", ""),
        analytics_gated=_boolean(env, "ANALYTICS_GATED", default=True),
        web_threads=_integer(env, "WEB_THREADS", 512, low=1, high=1_024),
        workers=_integer(env, "WORKERS", os.cpu_count() or 1, low=1, high=256),
        cover_max_bytes=_integer(env, "COVER_MAX_BYTES", 500_000, low=200_000, high=2_000_000),
        requests_per_minute=_integer(env, "REQUESTS_PER_MINUTE", 6_000, low=0, high=1_000_000),
        narrations_per_hour=_integer(env, "NARRATIONS_PER_HOUR", 20, low=0, high=1_000_000),
        narration_minimum_characters=_characters(env, "NARRATION_MINIMUM_CHARACTERS", 100),
        narration_free_characters=_characters(env, "NARRATION_FREE_CHARACTERS", 15_000),
        narration_paid_characters=_characters(env, "NARRATION_PAID_CHARACTERS", 50_000),
        stripe_secret_key=stripe_key,
        stripe_webhook_secret=_needed_with(
            "STRIPE_SECRET_KEY", stripe_key, "STRIPE_WEBHOOK_SECRET", stripe_webhook_secret
        ),
        stripe_api_base=_web_address(env, "STRIPE_API_BASE", "https://api.stripe.com").rstrip("/"),
    )


def _writer_settings(env: environ.Env) -> dict[str, str]:
    """WRITER with what it needs: a writer that could never work stops the start, not a request."""
    found = {
        "writer": _choice(env, "WRITER", "extractive", WRITERS),
        "llm_base_url": _web_address(env, "LLM_BASE_URL", "").rstrip("/"),
        "llm_api_key": _secret(env, "LLM_API_KEY", ""),
        "llm_model": _text(env, "LLM_MODEL", ""),
        "llm_model_path": _text(env, "LLM_MODEL_PATH", ""),
    }
    needed = {
        "openai": ("LLM_BASE_URL", "LLM_MODEL"),
        "gguf": ("LLM_MODEL_PATH",),
    }.get(found["writer"], ())
    for name in needed:
        if not found[name.lower()]:
            raise BadSetting(f"WRITER={found['writer']} needs {name}.")
    return found


def read_settings_file(path: Path = BASE_DIR / ".env") -> None:
    """Take settings from a file of NAME=value lines, if there is one; the environment wins."""
    try:
        with path.open(encoding="utf-8") as file:
            environ.Env.read_env(file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadSetting(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadSetting(f"{path} is not a text file in UTF-8.") from None


def _refuse_unknown_names() -> None:
    prefix = "PODWRIGHT_"
    known = NAMES | INTERNAL_NAMES | {f"{name}_FILE" for name in SECRET_NAMES}
    for name in sorted(os.environ):
        if name.startswith(prefix) and name.removeprefix(prefix) not in known:
            raise BadSetting(
                f"{name} is not a setting of Podwright; see .env.example for the names."
            )


def _text(env: environ.Env, name: str, default: str) -> str:
    value = env.str(f"PODWRIGHT_{name}", default=None)
    if value is None:
        value = env.str(name, default=None)
    return default if value is None or value == "" else str(value)


def _integer(env: environ.Env, name: str, default: int, *, low: int, high: int) -> int:
    text = _text(env, name, str(default))
    short = len(text) <= MOST_DIGITS
    if not (short and text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise BadSetting(f"{name} must be a whole number from {low} to {high}, not {_shown(text)}.")
    return int(text)


def _characters(env: environ.Env, name: str, default: int) -> int:
    return _integer(env, name, default, low=1, high=MOST_CHARACTERS)


def _shown(text: str) -> str:
    """A wrong value as a message repeats it: quoted, and not longer than a line."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "...")


def _boolean(env: environ.Env, name: str, *, default: bool) -> bool:
    text = _text(env, name, "true" if default else "false").lower()
    if text not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise BadSetting(f"{name} must be true or false, not {_shown(text)}.")
    return text in {"true", "1", "yes", "on"}


def _choice(env: environ.Env, name: str, default: str, choices: tuple[str, ...]) -> str:
    text = _text(env, name, default)
    if text not in choices:
        raise BadSetting(f"{name} must be one of {', '.join(choices)}, not {_shown(text)}.")
    return text


def _list(env: environ.Env, name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _text(env, name, "").split(",") if part.strip())


def _networks(env: environ.Env, name: str) -> Networks:
    networks = []
    for part in _list(env, name):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise BadSetting(
                f"{name} must list networks such as 127.0.0.0/8; {_shown(part)} is not one."
            ) from None
    return tuple(networks)


def _web_address(env: environ.Env, name: str, default: str) -> str:
    text = _text(env, name, default)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise BadSetting(f"{name} must be an http or https address, not {_shown(text)}.")
    return text


def _path(env: environ.Env, name: str) -> str:
    text = _text(env, name, "")
    if text and not (text.startswith("/") and text.isascii() and text.isprintable()):
        raise BadSetting(f"{name} must be a path such as /protected, not {_shown(text)}.")
    return text


def _secret(env: environ.Env, name: str, default: str) -> str:
    """The value, else the content of the file that `<NAME>_FILE` names, else the default."""
    value = _text(env, name, "")
    file_name = _text(env, f"{name}_FILE", "")
    if value or not file_name:
        return value or default
    try:
        return Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise BadSetting(f"{name}_FILE: {file_name!r} cannot be read ({reason}).") from None


def _needed_with(owner: str, owner_value: str, name: str, value: str) -> str:
    """`value`, which the setting `owner` cannot do without."""
    if owner_value and not value:
        raise BadSetting(f"{name} must be set when {owner} is.")
    return value


def _service_address(env: environ.Env, name: str, default: str, schemes: tuple[str, ...]) -> str:
    text = _secret(env, name, default)
    if text and text.partition("://")[0] not in schemes:
        # The value is not repeated: it may hold a password.
        raise BadSetting(f"{name} must start with {' or '.join(f'{s}://' for s in schemes)}.")
    return text


def _made_secret_key(data_dir: Path) -> str:
    """The key that `up` made in DATA_DIR, or nothing."""
    path = data_dir / "secret_key"
    try:
        return path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise BadSetting(f"SECRET_KEY: {path} cannot be read ({error.strerror}).") from None


def ensure_secret_key(data_dir: Path) -> None:
    """Make the secret key file of a new DATA_DIR, readable by its owner alone; keep an old one."""
    path = data_dir / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(50))


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _default_hosts(public_url: str, host: str) -> tuple[str, ...]:
    names = {urlsplit(public_url).hostname or "", host, "localhost", "127.0.0.1", "[::1]"}
    return tuple(sorted(name for name in names if name and name not in {"0.0.0.0", "::"}))  # noqa: S104
