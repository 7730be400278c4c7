"""Django's settings, computed from the environment alone; development, tests and production share them."""

from __future__ import annotations

from pathlib import Path

import environ
from csp.constants import NONE, SELF

from config.env import BASE_DIR, BadSetting, read_environment
from core.logs import logging_settings

ENVIRONMENT = read_environment()
if not ENVIRONMENT.secret_key:
    raise BadSetting(
        "SECRET_KEY is not set: give it in the environment, in the file that SECRET_KEY_FILE names, "
        "or let `manage.py up` make one in DATA_DIR."
    )

# --- Podwright's own, by the names of the environment -----------------------------------------
VERSION = "0.1.0"
DATA_DIR: Path = ENVIRONMENT.data_dir
PUBLIC_URL = ENVIRONMENT.public_url
HOST, PORT, WORKERS = ENVIRONMENT.host, ENVIRONMENT.port, ENVIRONMENT.workers
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
OUTBOUND_ALLOW = ENVIRONMENT.outbound_allow
DEFAULT_PLAN = ENVIRONMENT.default_plan
SIGNUPS_OPEN = ENVIRONMENT.signups_open
SIGNUPS_PER_HOUR = ENVIRONMENT.signups_per_hour
REQUESTS_PER_MINUTE = ENVIRONMENT.requests_per_minute
PUBLIC_MEDIA_URL = ENVIRONMENT.media_url
WEB_THREADS = ENVIRONMENT.web_threads
MEDIA_ACCEL = ENVIRONMENT.media_accel
OP3_PREFIX = ENVIRONMENT.op3_prefix
OP3_TOKEN = ENVIRONMENT.op3_token
OP3_API_BASE = ENVIRONMENT.op3_api_base
DOWNLOAD_WINDOW = ENVIRONMENT.download_window
BURST_FLAG = ENVIRONMENT.burst_flag
BURST_LIMIT = ENVIRONMENT.burst_limit
BUSY_ADDRESS_LIMIT = ENVIRONMENT.busy_address_limit
COUNT_RELAYS = ENVIRONMENT.count_relays
COUNT_PROBES = ENVIRONMENT.count_probes
JOIN_PLAYBACK_SESSIONS = ENVIRONMENT.join_playback_sessions
HIT_DAYS = ENVIRONMENT.hit_days
ACCESS_LOG = ENVIRONMENT.access_log
ANALYTICS_GATED = ENVIRONMENT.analytics_gated
COVER_MAX_BYTES = ENVIRONMENT.cover_max_bytes
NARRATIONS_PER_HOUR = ENVIRONMENT.narrations_per_hour
NARRATION_MINIMUM_CHARACTERS = ENVIRONMENT.narration_minimum_characters
NARRATION_FREE_CHARACTERS = ENVIRONMENT.narration_free_characters
NARRATION_PAID_CHARACTERS = ENVIRONMENT.narration_paid_characters
STRIPE_SECRET_KEY = ENVIRONMENT.stripe_secret_key
STRIPE_WEBHOOK_SECRET = ENVIRONMENT.stripe_webhook_secret
STRIPE_API_BASE = ENVIRONMENT.stripe_api_base
TTS_ENGINE = ENVIRONMENT.tts_engine
TTS_BASE_URL = ENVIRONMENT.tts_base_url
TTS_API_KEY = ENVIRONMENT.tts_api_key
TTS_MODEL = ENVIRONMENT.tts_model
WRITER = ENVIRONMENT.writer
LLM_BASE_URL = ENVIRONMENT.llm_base_url
LLM_API_KEY = ENVIRONMENT.llm_api_key
LLM_MODEL = ENVIRONMENT.llm_model
LLM_MODEL_PATH = ENVIRONMENT.llm_model_path

# --- Django -------------------------------------------------------------------------------------
SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = False
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
# The contracts have no trailing slashes, and a redirected POST loses its body.
APPEND_SLASH = False

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "config",
    "core",
    "accounts",
    "keys",
    "billing",
    "webhooks",
    "shows",
    "episodes",
    "production",
    "analytics",
    "narration",
    "feeds",
    "studio",
    "dashboard",
]

MIDDLEWARE = [
    "core.middleware.RequestLogMiddleware",
    "core.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Static files are few and served from the source tree: no collectstatic step to forget.
WHITENOISE_USE_FINDERS = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- Security -----------------------------------------------------------------------------------
_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _HTTPS
# TLS ends at the operator's proxy, which says so in this header; it is trusted only when
# TRUSTED_PROXIES names that proxy.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.trusted_proxies else None
)
# The proxy redirects http to https; here a redirect would break listeners with an old http address.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = ["security.W008"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# Uploads are streamed to storage; what Django itself may hold of a form is small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- Database -----------------------------------------------------------------------------------
_database = environ.Env.db_url_config(ENVIRONMENT.database_url)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        # IMMEDIATE: writers queue for the lock at BEGIN instead of failing in mid-transaction.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # Each thread keeps a connection, so their caches have one bound together (soft_heap_limit); a
        # thread alone may have half of it. No map of the file: each connection's own would count as
        # memory of the process, and grow with the file.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            "PRAGMA cache_size=-16000; PRAGMA soft_heap_limit=33554432; PRAGMA mmap_size=0;"
        ),
    }
else:
    _database["CONN_HEALTH_CHECKS"] = True
    # A server that hangs must not hang every request with it.
    _database.setdefault("OPTIONS", {})["connect_timeout"] = 5
# Opening costs more than most requests: 2 ms of processor time for SQLite, a process for PostgreSQL.
_database["CONN_MAX_AGE"] = 600
DATABASES = {"default": _database}

# --- Storage ------------------------------------------------------------------------------------
MEDIA_ROOT = DATA_DIR / "media"
if ENVIRONMENT.aws_storage_bucket_name:
    from boto3.s3.transfer import TransferConfig  # slow to load, and useless without S3
    from botocore.config import Config

    _default_storage: dict[str, object] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": ENVIRONMENT.aws_storage_bucket_name,
            "endpoint_url": ENVIRONMENT.aws_s3_endpoint_url or None,
            "access_key": ENVIRONMENT.aws_access_key_id or None,
            "secret_key": ENVIRONMENT.aws_secret_access_key or None,
            "file_overwrite": False,
            "querystring_expire": 86_400,
            # One part of 8 MB at a time: ten at once, the default, would be 80 MB for each upload.
            "transfer_config": TransferConfig(use_threads=False),
            "client_config": Config(connect_timeout=5, read_timeout=60),
        },
    }
else:
    _default_storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "base_url": "/media/"},
    }
STORAGES = {
    "default": _default_storage,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# --- Cache --------------------------------------------------------------------------------------
if ENVIRONMENT.redis_url:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": ENVIRONMENT.redis_url,
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Django REST framework ----------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["keys.authentication.BearerKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "keys.permissions.HasScope",
    ],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.negotiation.AlwaysJSON",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "core.podclaw.exception_handler",
}

# --- Logs ---------------------------------------------------------------------------------------
LOGGING = logging_settings()
LOGGING_CONFIG = "logging.config.dictConfig"
