"""Fill an empty data directory for browser tests: ``python -m tests.browser.prepare SECRET`` (run with the desk's own environment)."""

from __future__ import annotations

import os
import sys

PASSWORD = "browser-tests-only"
PEOPLE = {"alice": ("Alpha", "trader"), "maria": ("Alpha", "trader"), "vera": ("Alpha", "viewer"), "bob": ("Beta", "trader")}


def main(secret: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingdesk.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from feeds import registration
    from markets.domain.values import Role
    from markets.services import bookmakers, people
    from markets.services.actor import of_command

    call_command("migrate", verbosity=0)
    me = of_command()
    houses = {name: bookmakers.create(me, name, ["football", "tennis", "basketball"]) for name in ("Alpha", "Beta")}
    for name, (house, role) in PEOPLE.items():
        user, _ = people.create(me, name, PASSWORD)
        bookmakers.set_role(me, houses[house].pk, user.pk, Role(role))
    registration.add(me, registration.NewFeed("updategram", "test", secret, ("127.0.0.0/8",), "Test feed"))


if __name__ == "__main__":
    main(sys.argv[1])
