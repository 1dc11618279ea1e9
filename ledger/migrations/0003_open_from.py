"""A writer that knows a stream's beginning reads on from there."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]
    operations = [migrations.RunSQL((SQL / "0003_open_from.sql").read_text())]
