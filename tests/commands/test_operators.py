"""The commands of operators: bookmakers, keys, people, backups."""

from __future__ import annotations

import io
import os
import re
import shutil
import sqlite3
import uuid
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from markets.domain.values import Role
from markets.models import Bookmaker, Member, Sport
from markets.services import bookmakers
from tradingdesk.management.commands import backup

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")]


@pytest.fixture
def acme() -> Bookmaker:
    Sport.objects.get_or_create(slug="tennis", defaults={"name": "Tennis"})
    said = run("addbookmaker", "Acme", "--sports", "tennis")
    return Bookmaker.objects.get(pk=re.search(r"bookmaker (\S+)", said)[1])  # type: ignore[index]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def key_in(said: str) -> str:
    found = re.search(r"desk_\S+", said)
    assert found
    return found[0]


def test_addbookmaker_prints_the_uuid_and_a_working_key(acme: Bookmaker) -> None:
    said = run("addbookmaker", "Bravo", "--sports", "tennis", "--demo")
    holder = bookmakers.verify_key(key_in(said))
    assert holder is not None
    made = Bookmaker.objects.get(pk=holder.bookmaker)
    assert (made.name, str(made.pk) in said, made.demo) == ("Bravo", True, True)
    assert [s.slug for s in acme.sports.all()] == ["tennis"]


def test_addbookmaker_says_what_is_wrong_and_makes_nothing(acme: Bookmaker) -> None:
    for name, sports, words in [("Acme", "tennis", "exists"), ("Other", "chess,tennis", "chess")]:
        with pytest.raises(CommandError, match=words):
            run("addbookmaker", name, "--sports", sports)
    assert Bookmaker.objects.count() == 1


def test_addkey_gives_the_scope_asked_for(acme: Bookmaker) -> None:
    row = bookmakers.verify_key(key_in(run("addkey", str(acme.pk), "--scope", "ops")))
    assert row is not None
    assert row.scopes == {"ops"}
    with pytest.raises(CommandError):
        run("addkey", str(uuid.uuid4()))


def test_adduser_prints_a_password_once_and_gives_the_role(acme: Bookmaker) -> None:
    said = run("adduser", "ann", "--role", "trader", "--bookmaker", str(acme.pk))
    member = Member.objects.get()
    assert (member.user.username, member.role) == ("ann", Role.TRADER)
    password = re.search(r"password (\S+)", said)
    assert password
    assert member.user.check_password(password[1])


def test_adduser_reads_a_password_and_does_not_print_it(acme: Bookmaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
    said = run("adduser", "ann", "--role", "staff", "--password-stdin")
    assert "enough" not in said


def test_adduser_makes_nobody_when_something_is_wrong(acme: Bookmaker) -> None:
    for arguments in [
        ("ann", "--role", "trader"),
        ("ann", "--role", "trader", "--bookmaker", str(uuid.uuid4())),
        ("demo-ann", "--role", "trader", "--bookmaker", str(acme.pk)),
    ]:
        with pytest.raises(CommandError):
            run("adduser", *arguments)
    assert not Member.objects.exists()


def test_backup_of_sqlite_is_whole_private_and_ten_are_kept(settings: Settings, tmp_path: Path) -> None:
    settings.DESK_DATA_DIR = tmp_path
    source = tmp_path / "desk.sqlite3"
    settings.DATABASES = {**settings.DATABASES, "default": {"ENGINE": "tradingdesk.sqlite", "NAME": source}}
    assert run("backup", "--quiet-when-empty") == ""
    with pytest.raises(CommandError, match="no database"):
        run("backup")
    writer = sqlite3.connect(source)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE t (n)")
    writer.execute("INSERT INTO t VALUES (7)")
    writer.commit()
    for _ in range(12):
        run("backup")
    made = sorted((tmp_path / "backups").iterdir())
    assert len(made) == backup.KEEP
    assert made[-1].stat().st_mode & 0o077 == 0
    assert sqlite3.connect(made[-1]).execute("SELECT n FROM t").fetchone() == (7,)
    writer.close()


def test_backup_of_postgresql_runs_pg_dump_or_says_what_to_run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DESK_DATA_DIR = tmp_path
    if connection.vendor == "postgresql" and shutil.which("pg_dump"):
        settings.DATABASES = {**settings.DATABASES, "default": {**connection.settings_dict, "ENGINE": "django.db.backends.postgresql"}}
        run("backup")
        (made,) = (tmp_path / "backups").iterdir()
        assert made.read_bytes()[:5] == b"PGDMP"
        return
    secret = "no-one-sees-this"
    settings.DATABASES = {
        **settings.DATABASES,
        "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "desk", "HOST": "db", "PASSWORD": secret},
    }
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    err = io.StringIO()
    call_command("backup", stderr=err)
    assert "pg_dump --format=custom --no-password --host=db --dbname=desk" in err.getvalue()
    assert secret not in err.getvalue()


@pytest.mark.skipif(connection.vendor != "postgresql" or not shutil.which("pg_dump"), reason="of PostgreSQL")
def test_backup_of_a_new_postgresql_database_waits_until_there_is_a_table(settings: Settings, tmp_path: Path) -> None:
    settings.DESK_DATA_DIR = tmp_path
    here = connection.settings_dict
    place = {"host": here["HOST"], "port": here["PORT"], "user": here["USER"], "password": here["PASSWORD"]}
    name = f"new_{uuid.uuid4().hex}"
    with psycopg.connect(**place, dbname=here["NAME"], autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            engine = {"ENGINE": "django.db.backends.postgresql", "NAME": name}
            settings.DATABASES = {**settings.DATABASES, "default": {**here, **engine}}
            assert run("backup", "--quiet-when-empty") == ""
            with psycopg.connect(**place, dbname=name) as new:
                new.execute("CREATE TABLE t (n int)")
            assert run("backup", "--quiet-when-empty").startswith("backup ")
        finally:
            server.execute(f'DROP DATABASE "{name}"')


def test_demo_says_where_it_is_allowed(settings: Settings) -> None:
    settings.DESK_DEMO_SIGN_INS = False
    assert "DESK_SIMULATE=1" in run("demo")
    settings.DESK_DEMO_SIGN_INS = True
    assert "demo-trader / " in run("demo")
