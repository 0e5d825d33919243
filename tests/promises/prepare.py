"""Fill an empty desk by the operators' commands: ``python -m tests.promises.prepare`` prints what they printed, as JSON."""

from __future__ import annotations

import json
import os
import sys
from io import StringIO

SLUG = "genius"
SECRET = "the/secret+of a feed=0001"
HOUSES = {"Alpha": "football,tennis,table-tennis", "Beta": "football,tennis,table-tennis", "Gamma": "football"}
"""Bookmakers with their sports."""
ROLES = ("viewer", "trader", "supervisor", "staff")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingdesk.settings")
    import django

    django.setup()
    from django.core.management import call_command

    def said(*command: str) -> dict[str, str]:
        """Each line's last word by its first."""
        out = StringIO()
        call_command(*command, stdout=out)
        return {line.split()[0]: line.split()[-1] for line in out.getvalue().splitlines() if line}

    call_command("migrate", verbosity=0)
    said("addfeed", "updategram", SLUG, "--secret", SECRET, "--network", "127.0.0.0/8")
    houses = {name: said("addbookmaker", name, "--sports", sports) for name, sports in HOUSES.items()}
    people: dict[str, str] = {}
    made = {
        "houses": {name: {"id": lines["bookmaker"], "key": lines["key"]} for name, lines in houses.items()},
        "ops": said("addkey", houses["Alpha"]["bookmaker"], "--scope", "ops")["key"],
        "people": people,
    }
    for name in HOUSES:
        for role in ROLES:
            member = () if role == "staff" else ("--bookmaker", houses[name]["bookmaker"])
            person = f"{name}-{role}".lower()
            people[person] = said("adduser", person, "--role", role, *member)["password"]
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
