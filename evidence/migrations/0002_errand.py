from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Errand",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("rehash", "Hash again"), ("remove", "Take out of the vault")], max_length=10
                    ),
                ),
                ("case", models.UUIDField(editable=False)),
                ("item", models.UUIDField(editable=False)),
                ("party", models.UUIDField(editable=False)),
                ("sha256", models.CharField(max_length=64)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("done_bytes", models.BigIntegerField(default=0)),
                ("total_bytes", models.BigIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("pending", models.BooleanField(default=True)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("pending", True)),
                        fields=["updated_at"],
                        name="evidence_errand_pending",
                    )
                ]
            },
        ),
    ]
