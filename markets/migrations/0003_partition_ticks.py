"""Price ticks by day on PostgreSQL, so that old days are dropped and never deleted row by row (decision P7)."""

from django.db import migrations

from markets import partitions


def partition(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    ticks = apps.get_model("markets", "PriceTick")
    columns = ", ".join(f'"{field.column}"' for field in ticks._meta.local_fields)
    schema_editor.execute('CREATE TEMPORARY TABLE ticks_before ON COMMIT DROP AS TABLE "markets_pricetick"')
    schema_editor.execute('DROP TABLE "markets_pricetick"')
    partitions.create(schema_editor, ticks)
    schema_editor.execute(f'INSERT INTO "markets_pricetick" ({columns}) SELECT {columns} FROM ticks_before')
    schema_editor.execute("SELECT setval('markets_pricetick_id_seq', (SELECT COALESCE(MAX(id), 0) + 1 FROM markets_pricetick), false)")


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0002_attempts_and_clock_marks"),
    ]

    operations = [
        migrations.RunPython(partition, migrations.RunPython.noop),
    ]
