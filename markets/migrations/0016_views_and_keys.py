"""Views of the board and keys of the pages, as each person wants them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0015_matches_with_prices"),
    ]

    operations = [
        migrations.AddField(
            model_name="preference",
            name="keys",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="preference",
            name="views",
            field=models.JSONField(default=list),
        ),
    ]
