"""The query dialect of the public routes: what is understood, and what is refused by name."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain import dialect
from markets.domain.dialect import Asked, Condition, Either, Op, Unfit

COLUMNS = (
    dialect.number_column("match_id"),
    dialect.word_column("league_id"),
    dialect.time_column("start_time"),
    dialect.choice_column("status_type", "live", "upcoming"),
)


def read(query: str) -> Asked:
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
    return dialect.read(pairs, COLUMNS, ("league",), either=True)


def problem(query: str) -> dict[str, str]:
    with pytest.raises(Unfit) as unfit:
        read(query)
    return unfit.value.fields


def test_a_query_without_anything_asks_for_the_first_fifty() -> None:
    assert read("") == Asked((), {}, 50, 0)


def test_each_condition_of_the_dialect_is_understood() -> None:
    asked = read("match_id=eq.7&start_time=gte.2026-06-11&status_type=in.(live,upcoming)&league=Open&limit=5&offset=10&lang=en&token=x")
    assert asked.where == (
        Condition("match_id", Op.EQ, (7,)),
        Condition("start_time", Op.GTE, (datetime(2026, 6, 11, tzinfo=UTC),)),
        Condition("status_type", Op.IN, ("live", "upcoming")),
    )
    assert (asked.plain, asked.limit, asked.offset, asked.values("match_id")) == ({"league": "Open"}, 5, 10, (7,))


def test_one_parameter_twice_means_both() -> None:
    asked = read("start_time=gte.2026-06-11&start_time=lt.2026-06-12")
    assert [c.op for c in asked.where if isinstance(c, Condition)] == [Op.GTE, Op.LT]


def test_either_of_several_is_understood() -> None:
    (either,) = read("or=(match_id.eq.1,status_type.in.(live,upcoming))").where
    assert either == Either((Condition("match_id", Op.EQ, (1,)), Condition("status_type", Op.IN, ("live", "upcoming"))))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-06-11T10:30:00Z", datetime(2026, 6, 11, 10, 30, tzinfo=UTC)),
        ("2026-06-11T10:30:00+02:00", datetime(2026, 6, 11, 8, 30, tzinfo=UTC)),
        ("2026-06-11T10:30:00 02:00", datetime(2026, 6, 11, 8, 30, tzinfo=UTC)),
        ("2026-06-11 10:30", datetime(2026, 6, 11, 10, 30, tzinfo=UTC)),
    ],
)
def test_times_may_have_an_offset_and_else_are_utc(text: str, at: datetime) -> None:
    assert dialect.moment(text) == at


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("match_id=7", "match_id", "must begin with eq., neq., gt., gte., lt., lte., in. and a whole number"),
        ("match_id=eq.x", "match_id", "must be a whole number of at most 18 digits"),
        ("match_id=is.null", "match_id", "must begin with"),
        ("match_id=in.1,2", "match_id", "in. takes a list like in.(1,2)"),
        ("start_time=gte.2026-13-01", "start_time", "must be a date (2026-06-11) or a time (2026-06-11T18:30:00Z)"),
        ("start_time=gte.9999-12-31", "start_time", "must be a date"),
        ("status_type=eq.asleep", "status_type", "must be one of live, upcoming"),
        ("limit=51", "limit", "must be a whole number from 1 to 50"),
        ("limit=0", "limit", "must be a whole number from 1 to 50"),
        ("offset=-1", "offset", "must be a whole number from 0 to 1000000000"),
        ("select=id", "select", "is not understood; understood are match_id"),
        ("or=match_id.eq.1", "or", "must be like (match_id.eq.1,match_id.eq.2)"),
        ("or=(and(match_id.eq.1))", "or", "is not understood in or"),
        ("or=(match_id.eq.1,)", "or", "an empty condition is not understood"),
        ("league=a\0b", "league", "a NUL is in no text of ours"),
        (f"match_id=in.({','.join('1' * 101)})", "or", "at most 100 conditions"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_would_be(query: str, field: str, words: str) -> None:
    assert words in problem(query)[field]


def test_every_problem_is_told_at_once() -> None:
    assert set(problem("limit=x&offset=x&nobody=1")) == {"limit", "offset", "nobody"}


@given(st.lists(st.tuples(st.sampled_from(["match_id", "start_time", "or", "limit", "offset", "status_type", "league", "x"]), st.text())))
def test_whatever_is_sent_is_understood_or_refused(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(Unfit):
        dialect.read(pairs, COLUMNS, ("league",), either=True)
