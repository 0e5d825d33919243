"""The sports of 003 with their fixed slugs (decision U15) and the market types known by id (U14, U16)."""

from django.db import migrations

from markets.domain import sequence
from markets.domain.sports import catalogue

PROVIDER = "updategram"


def seed(apps, schema_editor):
    Sport, SportRef, MarketType = (apps.get_model("markets", name) for name in ("Sport", "SportRef", "MarketType"))
    for known in catalogue.SPORTS:
        sport, _ = Sport.objects.get_or_create(slug=known.slug, defaults={"name": known.name})
        SportRef.objects.get_or_create(provider=PROVIDER, ref=known.ref, defaults={"sport": sport})
    for known in catalogue.TYPES:
        defaults = {
            "name": known.name,
            "odd_group": sequence.SET_TIME if sequence.indexed_by_id(known.ref) else sequence.FULL_TIME,
            "sequence_meaning": sequence.default_meaning(known.ref, known.name).value,
            "is_main": known.is_main,
        }
        MarketType.objects.get_or_create(provider=PROVIDER, ref=known.ref, defaults=defaults)


class Migration(migrations.Migration):
    dependencies = [("markets", "0003_partition_ticks")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
