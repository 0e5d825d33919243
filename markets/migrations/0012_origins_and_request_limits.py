"""Who may read from a web page, and how often a key may ask."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0011_liveness_leases"),
    ]

    operations = [
        migrations.AddField(
            model_name="bookmaker",
            name="origins",
            field=models.JSONField(blank=True, default=list, help_text="Web origins whose pages may read with its keys (O5)."),
        ),
        migrations.AddField(
            model_name="bookmaker",
            name="requests_per_second",
            field=models.PositiveIntegerField(default=200, help_text="What each of its keys may ask in a second; more is 429."),
        ),
    ]
