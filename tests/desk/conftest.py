"""What tests of the pages share: the services' world, with people who can sign in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets.domain.values import Role
from markets.models import Bookmaker, Member
from tests.services.world import World
from tests.services.world import world as make

PASSWORD = "long enough for anybody"
SignIn = Callable[[User], Client]


def person(name: str, role: Role | None = None, bookmaker: Bookmaker | None = None, *, is_staff: bool = False) -> User:
    made = User.objects.create_user(name, password=PASSWORD, is_staff=is_staff)
    if role and bookmaker:
        Member.objects.create(user=made, bookmaker=bookmaker, role=role.value)
    return made


@pytest.fixture
def world(db: None) -> World:
    return make()


@pytest.fixture
def alice(world: World) -> User:
    """A trader of Alpha."""
    return person("alice", Role.TRADER, world.alpha)


@pytest.fixture
def bob(world: World) -> User:
    """A trader of Beta, the other bookmaker."""
    return person("bob", Role.TRADER, world.beta)


@pytest.fixture
def vera(world: World) -> User:
    """A viewer of Alpha."""
    return person("vera", Role.VIEWER, world.alpha)


@pytest.fixture
def sign_in() -> SignIn:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def desk(alice: User, sign_in: SignIn) -> Client:
    """Alice's browser."""
    return sign_in(alice)
