"""Guards, grants and functions of cosignatures, time stamps, erasure and re-feeding."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_proof_tables")]
    operations = [migrations.RunSQL((SQL / "0005_proof.sql").read_text())]
