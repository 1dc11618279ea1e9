"""The tables."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.UUIDField()),
                ("index", models.BigIntegerField()),
                ("leaf", models.BinaryField()),
                ("leaf_hash", models.BinaryField()),
                ("recorded_at", models.DateTimeField()),
                ("party", models.UUIDField()),
            ],
            options={
                "db_table": "ledger_entry",
            },
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "last_leaf", "level", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.UUIDField()),
                ("last_leaf", models.BigIntegerField()),
                ("level", models.SmallIntegerField()),
                ("hash", models.BinaryField()),
            ],
            options={
                "db_table": "ledger_node",
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "size", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.UUIDField()),
                ("size", models.BigIntegerField()),
                ("first", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("note", models.TextField()),
                ("command", models.UUIDField()),
                ("command_digest", models.CharField(max_length=128)),
                ("recorded_at", models.DateTimeField()),
                ("skew_us", models.BigIntegerField()),
            ],
            options={
                "db_table": "ledger_checkpoint",
                "constraints": [models.UniqueConstraint(fields=("log", "command"), name="ledger_checkpoint_command")],
            },
        ),
        migrations.CreateModel(
            name="LogHead",
            fields=[
                ("log", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=8)),
                ("origin", models.CharField(max_length=300)),
                ("size", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("peaks", models.BinaryField()),
                ("recorded_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "ledger_head",
                "constraints": [models.UniqueConstraint(fields=("origin",), name="ledger_head_origin")],
            },
        ),
        migrations.CreateModel(
            name="Opening",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.UUIDField()),
                ("index", models.BigIntegerField()),
                ("stream", models.CharField(max_length=100)),
                ("version", models.BigIntegerField()),
                ("type", models.CharField(max_length=60)),
                ("schema", models.IntegerField()),
                ("command", models.UUIDField()),
                ("body", models.JSONField()),
                ("salts", models.BinaryField()),
            ],
            options={
                "db_table": "ledger_opening",
                "constraints": [
                    models.UniqueConstraint(fields=("log", "stream", "version"), name="ledger_opening_stream")
                ],
            },
        ),
    ]
