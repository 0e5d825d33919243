"""One effect for one Idempotency-Key (promise C3)."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from markets.domain.values import OverrideKind
from markets.models import AuditRecord, IdempotencyKey, Override
from markets.services import idempotency, overrides
from markets.services.errors import Refused
from markets.services.idempotency import Answer
from tests.services.threads import at_once, of_kind
from tests.services.world import World


def price(world: World, pause: float = 0) -> Answer:
    entry = overrides.set_override(
        world.trader(), world.alpha.pk, world.first.pk, kind=OverrideKind.PRICE, value=Decimal("2.04"), seconds=60, confirmed=True
    )
    time.sleep(pause)
    return Answer(200, {"id": entry.id, "oddValue": entry.value, "endsAt": entry.ends_at})


def test_c3_a_retry_with_the_same_key_has_one_effect_and_the_same_answer(world: World) -> None:
    first = idempotency.run("user:1", world.alpha.pk, "k", "d", lambda: price(world))
    again = idempotency.run("user:1", world.alpha.pk, "k", "d", lambda: price(world))
    assert (again.repeated, again.status, again.body["id"]) == (True, 200, first.body["id"])
    assert (Override.objects.count(), AuditRecord.objects.count()) == (1, 1)


def test_c3_of_retries_at_once_one_has_the_effect_and_all_get_its_answer(committed: World) -> None:
    pause = 0.2 if connection.vendor == "postgresql" else 0.02
    retry = lambda: idempotency.run("user:1", committed.alpha.pk, "k", "d", lambda: price(committed, pause))  # noqa: E731
    answers = of_kind(at_once(retry, retry, retry), Answer)
    assert len(answers) == 3
    assert len({a.body["id"] for a in answers}) == 1
    assert sorted(a.repeated for a in answers) == [False, True, True]
    assert Override.objects.count() == 1


def test_c3_the_same_key_with_another_body_is_refused(world: World) -> None:
    idempotency.run("user:1", world.alpha.pk, "k", "d", lambda: Answer(200, {}))
    with pytest.raises(Refused) as refused:
        idempotency.run("user:1", world.alpha.pk, "k", "other", lambda: Answer(200, {}))
    assert "Idempotency-Key" in refused.value.fields


def test_c3_a_refused_command_leaves_the_key_free(world: World) -> None:
    def refuse() -> Answer:
        price(world)
        raise Refused("range", "no")

    with pytest.raises(Refused):
        idempotency.run("user:1", world.alpha.pk, "k", "d", refuse)
    assert not Override.objects.exists()
    assert idempotency.run("user:1", world.alpha.pk, "k", "d", lambda: price(world)).repeated is False


def test_e1_keys_of_other_callers_and_bookmakers_are_their_own(world: World) -> None:
    done = [
        idempotency.run(caller, of, "k", digest, lambda: Answer(200, {"n": 1}))
        for caller, of, digest in [
            ("user:1", world.alpha.pk, "a"),
            ("user:2", world.alpha.pk, "b"),
            ("user:1", world.beta.pk, "c"),
            ("user:1", None, "d"),
        ]
    ]
    assert not any(answer.repeated for answer in done)


def test_p2_a_key_is_kept_for_24_hours_and_then_free(world: World) -> None:
    idempotency.run("user:1", world.alpha.pk, "k", "d", lambda: Answer(200, {}))
    row = IdempotencyKey.objects.get()
    IdempotencyKey.objects.update(created_at=row.created_at - timedelta(hours=23, minutes=59))
    assert idempotency.run("user:1", world.alpha.pk, "k", "d", lambda: Answer(200, {})).repeated
    IdempotencyKey.objects.update(created_at=row.created_at - timedelta(hours=24, seconds=1))
    assert idempotency.run("user:1", world.alpha.pk, "k", "other", lambda: Answer(200, {})).repeated is False
    IdempotencyKey.objects.update(created_at=row.created_at - timedelta(hours=25))
    idempotency.forget(row.created_at, 10)
    assert not IdempotencyKey.objects.exists()


def test_without_a_key_every_request_has_its_effect(world: World) -> None:
    price_twice = [idempotency.run("user:1", world.alpha.pk, "", "d", lambda: price(world)) for _ in range(2)]
    assert price_twice[0].body["id"] != price_twice[1].body["id"]


def test_a_key_too_long_is_refused(world: World) -> None:
    with pytest.raises(Refused):
        idempotency.run("user:1", world.alpha.pk, "k" * 201, "d", lambda: Answer(200, {}))


def test_the_digest_tells_parts_apart() -> None:
    assert idempotency.digest("ab", "c") != idempotency.digest("a", "bc")
