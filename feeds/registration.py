"""Adding feeds and turning over their secrets: hashes of those we receive, sealed ones of those we send (promise E7)."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from msgspec import Struct

from markets import db
from markets.models import Source
from markets.services import access, audit, doorbell, sources
from markets.services.actor import Actor
from markets.services.errors import NotFound, Refused

from . import sealing
from .errors import Trouble
from .models import Feed
from .outgoing import Wanted
from .registry import OUTGOING, REGISTRY
from .senders import SHORTEST_SECRET, secret_hash

GENIUS_NETWORK = "185.107.196.0/22"
"""Where 003 says that its messages come from; the default of a new feed."""
_SECRETS = 2
PUSHING = tuple(sorted(REGISTRY.keys() - OUTGOING.keys()))
"""Providers that push to us; the others we fetch."""


class NewFeed(Struct, frozen=True):
    """What an operator says of a feed. ``networks``: CIDR blocks of its senders. ``secret`` empty: one is made."""

    provider: str
    slug: str
    secret: str = ""
    networks: tuple[str, ...] = (GENIUS_NETWORK,)
    name: str = ""


def add(actor: Actor, new: NewFeed) -> str:
    """Store a feed; its secret, to be shown once. Simulated feeds are switched off: the board shows real fixtures from now on (P5).

    Raises ``Refused`` with the field that is wrong.
    """
    secret = _secret(new.secret)
    networks = _networks(new.networks)
    if new.provider not in PUSHING:
        raise Refused("provider", f"Unknown provider {new.provider}; known: {', '.join(PUSHING)}.", {"provider": "unknown"})
    _check_slug(new.slug)
    with transaction.atomic():
        source = _new_source(new)
        Feed.objects.create(source=source, secret_hashes=[secret_hash(secret)], networks=networks)
        _record(actor, "feed added", new.slug, {"provider": new.provider, "networks": networks})
    return secret


class NewOutgoing(Struct, frozen=True):
    """What an operator says of a feed that we fetch. ``settings``: hosts, paths, intervals. Of ``token_env`` (the name of an environment
    variable) and ``token`` (to be sealed) exactly one is given.
    """

    provider: str
    slug: str
    settings: Mapping[str, Any]
    token_env: str = ""
    token: str = ""
    name: str = ""
    simulated: bool = False

    def __repr__(self) -> str:
        return f"<new feed {self.slug}>"  # never its token


OUTGOING_LEASE = 15.0
"""A3: silence of a point feed after which prices close, in seconds."""
LEASES = {"odds360": 60.0}
"""Seconds of feeds whose single matches have leases of their own (O2): so long may the lists of all of them fail."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def of_fetched(provider: str) -> dict[str, Any]:
    """What the source of a feed that we fetch begins with. Coverage is a word of Updategrams (U9): none is waited for here."""
    return {"lease_seconds": LEASES.get(provider, OUTGOING_LEASE), "coverage_expected": False}


def add_outgoing(actor: Actor, new: NewOutgoing) -> int:
    """Store a feed that we fetch; its source id. A runner takes it up within seconds. Raises ``Refused`` with the field that is wrong."""
    _check_slug(new.slug)
    _check_credential(new.token_env, new.token)
    _check_outgoing(new)
    with transaction.atomic():
        source = _new_source(new, simulated=new.simulated, **of_fetched(new.provider))
        sealed = sealing.seal(new.token) if new.token else b""
        Feed.objects.create(source=source, settings=dict(new.settings), token_env=new.token_env, token_sealed=sealed)
        _record(actor, "feed added", new.slug, {"provider": new.provider, "settings": dict(new.settings), "token": _kind(new.token_env)})
    return int(source.pk)


def _new_source(new: NewFeed | NewOutgoing, **about: Any) -> Source:
    """Stored, and watched from now on; a real one switches simulated ones off (P5). Raises ``Refused`` for a slug that is taken."""
    if Source.objects.filter(slug=new.slug).exists():
        raise Refused("slug", f"There is a feed {new.slug} already.", {"slug": "taken"})
    source = Source.objects.create(slug=new.slug, provider=new.provider, name=new.name or new.slug, **about)
    sources.register(source)
    if not source.simulated:
        Source.objects.filter(simulated=True).update(enabled=False)
    return source


def rotate_outgoing(actor: Actor, slug: str, *, token_env: str = "", token: str = "") -> None:
    """Give a feed that we fetch another credential; its connections are made anew with it."""
    _check_credential(token_env, token)
    with transaction.atomic():
        feed = Feed.objects.select_for_update(of=("self",)).filter(source__slug=slug, source__provider__in=OUTGOING).first()
        if feed is None:
            raise NotFound(f"there is no feed {slug} that we fetch")
        feed.token_env, feed.token_sealed = token_env, sealing.seal(token) if token else b""
        feed.save(update_fields=["token_env", "token_sealed"])
        _record(actor, "feed token changed", slug, {"token": _kind(token_env)})


def _kind(token_env: str) -> str:
    return f"environment variable {token_env}" if token_env else "sealed"


def _check_credential(token_env: str, token: str) -> None:
    if bool(token_env) == bool(token):
        words = "Name the environment variable that holds the token, or give the token itself; one of the two."
        raise Refused("token", words, {"token": words})
    if token_env and (not _VARIABLE.fullmatch(token_env) or token_env.startswith("DESK_")):
        words = "This is no name of an environment variable for a token; DESK_… are the desk's own."
        raise Refused("token", words, {"token_env": words})
    if token and (not token.isascii() or not token.isprintable()):
        raise Refused("token", "A token has printable ASCII characters only.", {"token": "not printable"})


def _check_outgoing(new: NewOutgoing) -> None:
    if new.provider not in OUTGOING:
        raise Refused("provider", f"{new.provider} is no feed that we fetch: {', '.join(OUTGOING)}.", {"provider": "pushes to us"})
    try:
        OUTGOING[new.provider](Wanted(0, new.slug, new.provider, dict(new.settings), new.token or new.token_env))
    except Trouble as trouble:
        raise Refused("settings", f"{trouble.words[:1].upper()}{trouble.words[1:]}.", {"settings": trouble.words}) from None


def rotate(actor: Actor, slug: str, secret: str = "") -> str:
    """Give a feed a second secret; the one before stays valid until the next rotation (U17). Returns the new one, to be shown once."""
    secret = _secret(secret)
    with transaction.atomic():
        feed = Feed.objects.select_for_update().filter(source__slug=slug).exclude(source__provider__in=OUTGOING).first()
        if feed is None:
            raise NotFound(f"there is no feed {slug}")
        feed.secret_hashes = [*feed.secret_hashes, secret_hash(secret)][-_SECRETS:]
        feed.save(update_fields=["secret_hashes"])
        _record(actor, "feed secret rotated", slug, None)
    return secret


def _secret(given: str) -> str:
    if given and len(given) < SHORTEST_SECRET:
        words = f"A secret needs at least {SHORTEST_SECRET} characters; leave it out and one is made."
        raise Refused("secret", words, {"secret": words})
    return given or secrets.token_urlsafe(32)


def _networks(given: Sequence[str]) -> list[str]:
    try:
        found = [str(ipaddress.ip_network(one)) for one in given]
    except ValueError as error:
        raise Refused("network", f"Not a network: {error}.", {"networks": str(error)}) from error
    if not found or any(one.endswith("/0") for one in found):
        raise Refused("network", "Name the sender's networks; the whole internet is none.", {"networks": "too wide"})
    return found


def _check_slug(slug: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise Refused("slug", "A feed's slug has letters, digits, - and _ only.", {"slug": "invalid"}) from error


def _record(actor: Actor, action: str, slug: str, after: object) -> None:
    who = actor.name
    audit.record(
        at=db.now(), actor=actor.id, actor_name=who, action=action, object_words=f"feed {slug}", after=after, via=actor.via,
        request_id=actor.request_id,
    )  # fmt: skip


class FeedSettings(Struct, frozen=True):
    """What staff may change of a feed. ``lease_seconds``: silence after which its prices close (A3).

    ``live_data_seconds``, ``upcoming_data_seconds``: age at which data closes a match with a connection of its own (O2).
    """

    name: str
    enabled: bool
    lease_seconds: float
    coverage_expected: bool
    order_contiguous: bool
    stream_url_template: str
    networks: tuple[str, ...]
    live_data_seconds: float
    upcoming_data_seconds: float


PLAIN = tuple(name for name in FeedSettings.__struct_fields__ if name != "networks")


def change(actor: Actor, source_id: int, wanted: FeedSettings) -> None:
    """Change a feed's settings; staff only, audited. Raises ``Refused`` with the field, ``NotFound``, ``Forbidden``."""
    access.staff(actor)
    _check_settings(wanted)
    with transaction.atomic():
        feed = Feed.objects.select_for_update(of=("self",)).select_related("source").filter(pk=source_id).first()
        if feed is None:
            raise NotFound
        networks = [] if feed.source.provider in OUTGOING else _networks(wanted.networks)
        before = settings_of(feed)
        for field in PLAIN:
            setattr(feed.source, field, getattr(wanted, field))
        feed.networks = networks
        after = settings_of(feed)
        if before != after:
            feed.source.save()
            feed.save(update_fields=["networks"])
            facts = {"before": msgspec.to_builtins(before), "after": msgspec.to_builtins(after)}
            audit.told(actor, db.now(), action="feed changed", object_words=f"feed {feed.source.slug}", **facts)
            doorbell.ring(doorbell.source(source_id))


def settings_of(feed: Feed) -> FeedSettings:
    """As they are."""
    return FeedSettings(**{name: getattr(feed.source, name) for name in PLAIN}, networks=tuple(feed.networks))


def _check_settings(wanted: FeedSettings) -> None:
    if not 1 <= wanted.lease_seconds <= 60:
        raise Refused("lease", "A lease is 1 to 60 seconds.", {"lease_seconds": "1 to 60 seconds"})
    if not 5 <= wanted.live_data_seconds <= 60:
        raise Refused("lease", "Data of a live match counts for 5 to 60 seconds.", {"live_data_seconds": "5 to 60 seconds"})
    if not 5 <= wanted.upcoming_data_seconds <= 300:
        raise Refused("lease", "Data before a match counts for 5 to 300 seconds.", {"upcoming_data_seconds": "5 to 300 seconds"})
    template = wanted.stream_url_template
    if template and not template.startswith("https://"):
        raise Refused("stream", "A stream's address starts with https://.", {"stream_url_template": "https:// only"})
