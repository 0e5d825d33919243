"""The list of matches, in its order, without looking at the others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0014_links"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="fixture",
            index=models.Index(
                condition=models.Q(("phase__in", ["live", "upcoming"]), ("total_odds__gt", 0)),
                fields=["sport", "start", "match_id"],
                name="matches_with_prices",
            ),
        ),
    ]
