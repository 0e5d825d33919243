"""The sport of tennis point feeds, which have no ids of sports (T7: their matches are bound to fixtures of that sport)."""

from django.db import migrations


def seed(apps, schema_editor):
    Sport, SportRef = apps.get_model("markets", "Sport"), apps.get_model("markets", "SportRef")
    tennis, _ = Sport.objects.get_or_create(slug="tennis", defaults={"name": "Tennis"})
    SportRef.objects.get_or_create(provider="tennis", ref="tennis", defaults={"sport": tennis})


class Migration(migrations.Migration):
    dependencies = [("markets", "0007_point_feeds")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
