from django.db import migrations, models

# The types are those of cases.stamping.AT_ONCE. Few entries are of them, so that the question which case has one
# above its last stamp costs a step, and other entries cost nothing.
INDEX = """
    CREATE INDEX cases_stamp_at_once ON ledger_opening (log, index)
    WHERE type IN ('CaseClosed', 'CustodyTransferAccepted', 'EvidenceDisclosed')
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_keys"), ("ledger", "0005_proof")]

    operations = [
        migrations.CreateModel(
            name="AuthorityHealth",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("answered_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("sentence", models.TextField(blank=True)),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.RunSQL(INDEX, "DROP INDEX cases_stamp_at_once"),
    ]
