import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The types are those of cases.stamping.AT_ONCE.
INDEX = """
    DROP INDEX cases_stamp_at_once;
    CREATE INDEX cases_stamp_at_once ON ledger_opening (log, index)
    WHERE type IN ('CaseClosed', 'CustodyTransferAccepted', 'EvidenceDisclosed', 'ShareAccepted')
"""
FORMER_INDEX = """
    DROP INDEX cases_stamp_at_once;
    CREATE INDEX cases_stamp_at_once ON ledger_opening (log, index)
    WHERE type IN ('CaseClosed', 'CustodyTransferAccepted', 'EvidenceDisclosed')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('ledger', '0005_proof'),
        ('cases', '0003_stamping'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ShareItem',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AlterModelOptions(
            name='evidenceitem',
            options={'ordering': ['number'], 'permissions': [('exists_evidenceitem', 'See that it exists (evidence item)'), ('search_evidenceitem', 'Search and count its records (evidence item)'), ('preview_evidenceitem', 'Look at records and raw lines (evidence item)'), ('download_evidenceitem', 'Download its bytes (evidence item)'), ('export_evidenceitem', 'Export results from it (evidence item)'), ('share_on_evidenceitem', 'Share it on (evidence item)')]},
        ),
        migrations.AlterUniqueTogether(
            name='evidenceitemgroupobjectpermission',
            unique_together=set(),
        ),
        migrations.AddField(
            model_name='evidenceitemgroupobjectpermission',
            name='expires_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='evidenceitemgroupobjectpermission',
            name='not_before',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('offered', 'Offered'), ('accepted', 'In force'), ('refused', 'Refused'), ('revoked', 'Revoked'), ('given_up', 'Given up')], max_length=10)),
                ('scope', models.CharField(choices=[('items', 'The items named'), ('case', 'All items of the giver in this case, also those to come')], max_length=10)),
                ('roles', models.JSONField(default=list)),
                ('members', models.JSONField(default=list)),
                ('operations', models.JSONField(default=list)),
                ('purpose', models.CharField(max_length=500)),
                ('legal_basis', models.CharField(blank=True, max_length=500)),
                ('agreement', models.CharField(blank=True, max_length=200)),
                ('tlp', models.CharField(choices=[('TLP:RED', 'Named recipients only'), ('TLP:AMBER+STRICT', 'The receiving party only'), ('TLP:AMBER', 'The receiving party and its clients'), ('TLP:GREEN', 'The community'), ('TLP:CLEAR', 'No limit')], max_length=20, verbose_name='marking')),
                ('not_before', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('onward', models.BooleanField(default=False)),
                ('watermark', models.BooleanField(default=False)),
                ('summary', models.TextField(blank=True)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('terms', models.PositiveIntegerField(default=1)),
                ('pending', models.BooleanField(default=False)),
                ('proposed', models.JSONField(null=True)),
                ('proposed_digest', models.CharField(blank=True, max_length=64)),
                ('offered_at', models.DateTimeField()),
                ('offered_by', models.CharField(max_length=200)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('ended_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('version', models.PositiveIntegerField(default=0)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='cases.case')),
                ('giver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares_given', to='cases.party')),
                ('receiver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares_received', to='cases.party')),
            ],
            options={
                'ordering': ['-offered_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='EvidenceItemUserObjectPermission',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('not_before', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='cases.evidenceitem')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('share', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='user_rows', to='cases.share')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='evidenceitemgroupobjectpermission',
            name='share',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='group_rows', to='cases.share'),
        ),
        migrations.AddConstraint(
            model_name='evidenceitemgroupobjectpermission',
            constraint=models.UniqueConstraint(fields=('content_object', 'group', 'permission', 'share'), name='cases_wall_of_groups', nulls_distinct=False),
        ),
        migrations.AddField(
            model_name='shareitem',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='named_in', to='cases.evidenceitem'),
        ),
        migrations.AddField(
            model_name='shareitem',
            name='share',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='named', to='cases.share'),
        ),
        migrations.AddIndex(
            model_name='share',
            index=models.Index(fields=['case', 'receiver', 'status'], name='cases_share_to'),
        ),
        migrations.AddIndex(
            model_name='share',
            index=models.Index(fields=['case', 'giver', 'status'], name='cases_share_by'),
        ),
        migrations.AddIndex(
            model_name='share',
            index=models.Index(fields=['expires_at'], name='cases_share_expiry'),
        ),
        migrations.AddConstraint(
            model_name='evidenceitemuserobjectpermission',
            constraint=models.UniqueConstraint(fields=('content_object', 'user', 'permission', 'share'), name='cases_wall_of_users', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='shareitem',
            constraint=models.UniqueConstraint(fields=('share', 'item'), name='cases_shareitem_once'),
        ),
        migrations.RunSQL(INDEX, FORMER_INDEX),
    ]
