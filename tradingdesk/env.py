"""The desk's environment variables, each read once, all problems told at once (checks ``desk.E…``)."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from environs import Env, EnvValidationError, validate
from msgspec import Struct
from msgspec.structs import replace

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
KNOWN = frozenset(
    {
        "DESK_CAMPAIGN",
        "DESK_DATA_DIR",
        "DESK_HTTPS",
        "DESK_MAX_BODY",
        "DESK_POINT_SLACK_MS",
        "DESK_RAW_BYTES",
        "DESK_RAW_DAYS",
        "DESK_SIMULATE",
        "DESK_TICK_DAYS",
        "DESK_TRUSTED_PROXIES",
    }
)


class Problem(Struct, frozen=True):
    """A value that keeps the desk from starting: ``id`` is a Django check id, ``words`` say what to set."""

    id: str
    words: str


class DeskEnv(Struct, frozen=True):
    """What the environment says; ``problems`` is empty when all of it is sound."""

    host: str
    port: int
    database_url: str
    redis_url: str
    secret_key: str
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    data_dir: Path
    simulate: bool
    https: bool
    max_body: int
    trusted_proxies: list[str]
    raw_days: int
    raw_bytes: int
    tick_days: int
    point_slack_ms: int
    log_level: str
    problems: tuple[Problem, ...] = ()

    @property
    def scaled(self) -> bool:
        return bool(self.database_url and self.redis_url)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read(base_dir: Path) -> DeskEnv:
    """Read every variable of ``.env.example``; never raises for content: see ``DeskEnv.problems``."""
    env = Env(eager=False)
    env.read_env(str(base_dir / ".env"), recurse=False)
    scaled = bool(os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"))
    data_dir = env.path("DESK_DATA_DIR", base_dir / "var")
    found: dict[str, Any] = {
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8000, validate=validate.Range(1, 65535)),
        "database_url": env.str("DATABASE_URL", ""),
        "redis_url": env.str("REDIS_URL", ""),
        "secret_key": env.str("SECRET_KEY", ""),
        "allowed_hosts": env.list("ALLOWED_HOSTS", list(LOOPBACK_HOSTS)),
        "csrf_trusted_origins": env.list("CSRF_TRUSTED_ORIGINS", []),
        "simulate": env.bool("DESK_SIMULATE", not scaled),
        "https": env.bool("DESK_HTTPS", False),
        "max_body": env.int("DESK_MAX_BODY", 4 * 1024 * 1024, validate=validate.Range(2 * 1024 * 1024, 64 * 1024 * 1024)),
        "trusted_proxies": env.list("DESK_TRUSTED_PROXIES", []),
        "raw_days": env.int("DESK_RAW_DAYS", 7, validate=validate.Range(1, 3650)),
        "raw_bytes": env.int("DESK_RAW_BYTES", 2 * 1024**3, validate=validate.Range(min=64 * 1024**2)),
        "tick_days": env.int("DESK_TICK_DAYS", 30, validate=validate.Range(3, 3650)),
        "point_slack_ms": env.int("DESK_POINT_SLACK_MS", 500, validate=validate.Range(0, 5_000)),
        "log_level": env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
    }
    problems = _read_problems(env)
    sound = {name: value if value is not None else _DEFAULTS[name] for name, value in found.items()}
    desk = DeskEnv(data_dir=data_dir or base_dir / "var", **sound)
    problems += _unsafe(desk)
    return _with(desk, problems)


_DEFAULTS: dict[str, Any] = {
    "port": 8000,
    "max_body": 4 * 1024 * 1024,
    "raw_days": 7,
    "raw_bytes": 2 * 1024**3,
    "tick_days": 30,
    "point_slack_ms": 500,
    "log_level": "INFO",
    "simulate": False,
    "https": False,
    "allowed_hosts": list(LOOPBACK_HOSTS),
    "trusted_proxies": [],
    "csrf_trusted_origins": [],
}


def _read_problems(env: Env) -> list[Problem]:
    try:
        env.seal()
    except EnvValidationError as error:
        told = error.error_messages if isinstance(error.error_messages, Mapping) else {"environment": error.error_messages}
        return [Problem("desk.E001", f"{name}: {' '.join(map(str, words))}") for name, words in told.items()]
    return []


def _unsafe(desk: DeskEnv) -> list[Problem]:
    rules = [
        (
            bool(desk.database_url) != bool(desk.redis_url),
            "desk.E002",
            "DATABASE_URL and REDIS_URL belong together: set both (scaled) or neither (embedded).",
        ),
        (
            bool(desk.database_url) and urlsplit(desk.database_url).scheme not in ("postgresql", "postgres"),
            "desk.E003",
            "DATABASE_URL must begin with postgresql://",
        ),
        (
            bool(desk.redis_url) and urlsplit(desk.redis_url).scheme not in ("redis", "rediss"),
            "desk.E004",
            "REDIS_URL must begin with redis:// or rediss://",
        ),
        (
            _weak_key(desk),
            "desk.E005",
            "SECRET_KEY must be set to at least 32 characters of your own when the desk is scaled or bound beyond loopback.",
        ),
        ("*" in desk.allowed_hosts, "desk.E006", "ALLOWED_HOSTS may not be *: name the hosts that the desk answers for."),
        (
            not desk.loopback and set(desk.allowed_hosts) <= set(LOOPBACK_HOSTS),
            "desk.E007",
            f"HOST is {desk.host}, beyond loopback: ALLOWED_HOSTS must name the desk's public host.",
        ),
        (bool(bad := _bad_networks(desk.trusted_proxies)), "desk.E008", f"DESK_TRUSTED_PROXIES: not a network: {', '.join(bad)}"),
        (_whole_internet(desk.trusted_proxies), "desk.E009", "DESK_TRUSTED_PROXIES may not trust every address."),
        (bool(unknown := _unknown_names()), "desk.E010", f"Unknown variables: {', '.join(unknown)}. See .env.example."),
        (not _host_is_address(desk.host), "desk.E011", f"HOST must be an IP address or localhost, not {desk.host!r}."),
    ]
    return [Problem(id_, words) for wrong, id_, words in rules if wrong]


def _weak_key(desk: DeskEnv) -> bool:
    needed = bool(desk.database_url) or not desk.loopback
    return (needed or bool(desk.secret_key)) and len(desk.secret_key) < 32


def _bad_networks(networks: list[str]) -> list[str]:
    bad = []
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            bad.append(network)
    return bad


def _whole_internet(networks: list[str]) -> bool:
    return any(n.strip().endswith("/0") for n in networks)


def _unknown_names() -> list[str]:
    return sorted(name for name in os.environ if name.startswith("DESK_") and name not in KNOWN)


def _host_is_address(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _with(desk: DeskEnv, problems: list[Problem]) -> DeskEnv:
    try:
        key = desk.secret_key or kept_secret(desk.data_dir)
    except OSError as error:
        key = secrets.token_urlsafe(48)  # never used: the problem keeps the desk from starting
        problems = [*problems, Problem("desk.E012", f"DESK_DATA_DIR: {desk.data_dir} cannot be written: {error.strerror}.")]
    return replace(desk, secret_key=key, problems=tuple(problems))


def kept_secret(data_dir: Path) -> str:
    """The embedded desk's own random key, made once and kept readable for its owner only."""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()


def postgres_parts(url: str) -> dict[str, str]:
    """A PostgreSQL URL as Django's connection settings."""
    parts = urlsplit(url)
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }
