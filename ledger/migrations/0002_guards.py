"""What the database refuses, what the app's role may do, and the two functions of an append."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_tables")]
    operations = [
        migrations.RunSQL((SQL / "0002_guards.sql").read_text()),
        migrations.RunSQL((SQL / "0002_append.sql").read_text()),
    ]
