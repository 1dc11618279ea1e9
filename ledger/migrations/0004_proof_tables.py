"""Tables of cosignatures, time stamps and re-feeds, and a place for the digests of erased fields."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0003_open_from'),
    ]

    operations = [
        migrations.CreateModel(
            name='Refeed',
            fields=[
                ('pk', models.CompositePrimaryKey('log', 'first', blank=True, editable=False, primary_key=True, serialize=False)),
                ('log', models.UUIDField()),
                ('first', models.BigIntegerField()),
                ('size', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'db_table': 'ledger_refeed',
            },
        ),
        migrations.CreateModel(
            name='TimeStamp',
            fields=[
                ('pk', models.CompositePrimaryKey('log', 'size', 'authority', blank=True, editable=False, primary_key=True, serialize=False)),
                ('log', models.UUIDField()),
                ('size', models.BigIntegerField()),
                ('authority', models.CharField(max_length=200)),
                ('note', models.TextField()),
                ('response', models.BinaryField()),
                ('chain', models.TextField()),
                ('stamped_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'ledger_timestamp',
            },
        ),
        migrations.AddField(
            model_name='opening',
            name='erased',
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name='Cosignature',
            fields=[
                ('pk', models.CompositePrimaryKey('log', 'size', 'key_name', 'key_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('log', models.UUIDField()),
                ('size', models.BigIntegerField()),
                ('key_name', models.CharField(max_length=300)),
                ('key_id', models.BinaryField()),
                ('public', models.BinaryField()),
                ('timestamp', models.BigIntegerField()),
                ('signature', models.BinaryField()),
                ('received_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'ledger_cosignature',
                'indexes': [models.Index(fields=['log', 'key_name', 'key_id', 'size'], name='ledger_cosignature_key')],
            },
        ),
    ]
