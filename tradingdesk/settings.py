"""Settings of the desk. Every variable is named, with its default and meaning, in ``.env.example``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from . import env, postgres

BASE_DIR = Path(__file__).resolve().parent.parent
DESK = env.read(BASE_DIR)

# The desk's own
DESK_HOST = DESK.host
DESK_PORT = DESK.port
DESK_SCALED = DESK.scaled
DESK_DATA_DIR = DESK.data_dir
DESK_SIMULATE = DESK.simulate
DESK_MAX_BODY = DESK.max_body
DESK_TRUSTED_PROXIES = DESK.trusted_proxies
DESK_RAW_DAYS = DESK.raw_days
DESK_RAW_BYTES = DESK.raw_bytes
DESK_TICK_DAYS = DESK.tick_days
DESK_POINT_SLACK_MS = DESK.point_slack_ms
DESK_DEMO_SIGN_INS = DESK.simulate and DESK.loopback
REDIS_URL = DESK.redis_url

# Django
SECRET_KEY = DESK.secret_key
ALLOWED_HOSTS = DESK.allowed_hosts
CSRF_TRUSTED_ORIGINS = DESK.csrf_trusted_origins
DEBUG = False
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "ninja",
    "template_partials",
    "markets",
    "feeds",
    "tradingdesk",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tradingdesk.store_down.StoreDown",
]
ROOT_URLCONF = "tradingdesk.urls"
ASGI_APPLICATION = "tradingdesk.asgi.application"
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
            ]
        },
    }
]


def _postgres(**options: Any) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        **env.postgres_parts(DESK.database_url),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {"connection_class": postgres.Connection, "min_size": 1, "max_size": 12, "timeout": 2},
            "connect_timeout": 3,
            "tcp_user_timeout": 3000,  # ms; a server that vanished is noticed, also while we wait for its answer
            "keepalives_idle": 2,
            "keepalives_interval": 1,
            **options,
        },
    }


def _sqlite(engine: str, mode: str, pragmas: str) -> dict[str, Any]:
    return {
        "ENGINE": engine,
        "NAME": DESK_DATA_DIR / "desk.sqlite3",
        "OPTIONS": {"transaction_mode": mode, "timeout": 20, "init_command": pragmas},
    }


# ``default`` writes; ``read`` serves snapshots and cannot write (docs/architecture.md, "Two modes").
if DESK.database_url:
    DATABASES = {
        "default": _postgres(),
        "read": _postgres(
            options="-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read -c statement_timeout=1000"
        ),
    }
else:
    DATABASES = {
        "default": _sqlite(
            "tradingdesk.sqlite",
            "IMMEDIATE",
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        ),
        "read": _sqlite("django.db.backends.sqlite3", "DEFERRED", "PRAGMA query_only=ON;"),
    }
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"desk-test-{os.getpid()}.sqlite3")}
DATABASES["read"]["TEST"] = {"MIRROR": "default"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "board"

# Security
SESSION_ENGINE = "markets.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = DESK.https
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = False  # the proxy redirects; see compose.yaml
SECURE_HSTS_SECONDS = 31_536_000 if DESK.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DESK.https else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
AUTHENTICATION_BACKENDS = ["markets.services.demo.DeskBackend"]  # closes demo sign-ins outside a demonstration
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "tradingdesk.logs.HideSecrets"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["console"], "level": DESK.log_level},
    "loggers": {"django.request": {"level": "ERROR"}},  # the access log tells refusals already, and without secrets in the path
}
