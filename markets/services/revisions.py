"""Versions and revisions: what tells readers that a bookmaker's side of a fixture changed, and the lock of promise C4."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import connection
from django.db.models import F

from markets import db
from markets.models import Bookmaker, BookmakerFixture, Fixture, Hold, SelectionBook

from . import doorbell


def lock_shared(fixture_ids: Collection[int]) -> None:
    """Lock rows of fixtures as messages lock them, by id: who only points to a fixture need not wait."""
    list(Fixture.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=fixture_ids).order_by("pk").values_list("pk"))


def raise_shared(fixture_ids: Collection[int], by: int = 1) -> None:
    """So much more on the revision that all bookmakers share of each fixture, and the doorbell."""
    Fixture.objects.filter(pk__in=fixture_ids).update(revision=F("revision") + by, changed_at=db.now())
    doorbell.ring(*(doorbell.fixture(pk) for pk in fixture_ids))


def enter_fixture(fixture_id: int) -> None:
    """Until this transaction ends, no message ends overrides on the fixture (U5, C2); it does afterwards, and sees what was set here.

    Take it before :func:`lock_book`. Commands do not wait for each other here, nor does a message that ends nothing.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM markets_fixture WHERE id = %s FOR KEY SHARE", [fixture_id])


def lock_book(bookmaker_id: UUID, selection_id: int) -> SelectionBook:
    """Make and lock the row that carries a selection's version (P1); two writers of one price queue here."""
    SelectionBook.objects.bulk_create([SelectionBook(bookmaker_id=bookmaker_id, selection_id=selection_id)], ignore_conflicts=True)
    return SelectionBook.objects.select_for_update(no_key=True).get(bookmaker_id=bookmaker_id, selection_id=selection_id)


def raise_version(book: SelectionBook) -> int:
    """One more on a locked row; returns the new version."""
    book.version += 1
    book.save(update_fields=["version"])
    return book.version


def version_of(bookmaker_id: UUID, selection_id: int) -> int:
    """A selection's version for a bookmaker; 0 before the first command."""
    versions = SelectionBook.objects.filter(bookmaker_id=bookmaker_id, selection_id=selection_id).values_list("version", flat=True)
    return versions.first() or 0


def lock_fixture(bookmaker_id: UUID, fixture_id: int) -> None:
    """Make and lock the bookmaker's row of a fixture; commands on its markets or on all of it queue here."""
    BookmakerFixture.objects.bulk_create([BookmakerFixture(bookmaker_id=bookmaker_id, fixture_id=fixture_id)], ignore_conflicts=True)
    BookmakerFixture.objects.select_for_update(no_key=True).get(bookmaker_id=bookmaker_id, fixture_id=fixture_id)


def lock_bookmakers(bookmaker_id: UUID | None) -> None:
    """Lock one bookmaker's row, or (None) everybody's, in one order."""
    rows = Bookmaker.objects.select_for_update(no_key=True).order_by("pk")
    list((rows if bookmaker_id is None else rows.filter(pk=bookmaker_id)).values_list("pk"))


def raise_fixtures(pairs: Iterable[tuple[UUID, int]]) -> None:
    """One more on the bookmaker's revision of each fixture, and the doorbell; in one order, so that two writers never wait in a ring."""
    ordered = sorted(set(pairs))
    BookmakerFixture.objects.bulk_create([BookmakerFixture(bookmaker_id=b, fixture_id=f) for b, f in ordered], ignore_conflicts=True)
    for bookmaker_id, fixture_id in ordered:
        BookmakerFixture.objects.filter(bookmaker_id=bookmaker_id, fixture_id=fixture_id).update(revision=F("revision") + 1)
    if ordered:
        doorbell.ring(*(doorbell.fixture(fixture_id) for _, fixture_id in ordered))


def raise_bookmakers(bookmaker_id: UUID | None, *topics: str) -> None:
    """A change beyond one fixture, of one bookmaker or (None) of all. ``topics``: ring these instead of the bookmakers' own."""
    lock_bookmakers(bookmaker_id)
    rows = Bookmaker.objects.all() if bookmaker_id is None else Bookmaker.objects.filter(pk=bookmaker_id)
    rows.update(revision=F("revision") + 1)
    doorbell.ring(*(topics or [doorbell.bookmaker(pk) for pk in rows.values_list("pk", flat=True)]))


def lock_for_hold(hold: Hold) -> None:
    """The row at which commands on a hold's target queue, so that the same hold is not made twice."""
    if hold.bookmaker_id is None or hold.fixture_id is None:
        lock_bookmakers(hold.bookmaker_id)
    else:
        lock_fixture(hold.bookmaker_id, hold.fixture_id)


def raise_for_hold(hold: Hold) -> None:
    """Whatever a hold made or released reaches."""
    if hold.fixture_id is None:
        raise_bookmakers(hold.bookmaker_id)
    elif hold.bookmaker_id is None:
        raise_bookmakers(None, doorbell.fixture(hold.fixture_id))
    else:
        raise_fixtures([(hold.bookmaker_id, hold.fixture_id)])
