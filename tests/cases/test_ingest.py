"""From sealed to indexed, cut off wherever it may be."""

import gzip
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from cases import followers, ingest, reads, tasks
from cases.models import EvidenceItem
from cases.perform import perform
from cases.rules.custody import RetryEvidence
from evidence.models import Ingest
from evidence.vault import vault
from ledger import reading
from ledger.verify import verify_log
from tests import cast

WORK = (
    "EvidenceVerified",
    "EvidenceMadeSearchable",
    "EvidenceIndexed",
    "EvidenceDerived",
    "EvidenceQuarantined",
)


@pytest.fixture
def people(committed_db: None) -> cast.Cast:
    return cast.the_cast()


def work_done(item: EvidenceItem) -> Counter[str]:
    """The worker's events in the log of the item's case, by type."""
    assert verify_log(item.case_id) == []
    return Counter(event.type for event in reading.read_events(item.case_id) if event.type in WORK)


def sealed(people: cast.Cast, content: bytes = cast.LINES, filename: str = "gateway.jsonl") -> EvidenceItem:
    return cast.sealed_item(people, cast.joint_case(people), content=content, filename=filename)


def again(item: EvidenceItem) -> EvidenceItem:
    return EvidenceItem.objects.get(pk=item.pk)


def test_an_item_becomes_searchable_and_indexed(people: cast.Cast) -> None:
    item = sealed(people)
    ingest.run(item.pk)
    done = again(item)
    assert (done.state, done.format, done.lines, done.records, done.rejects) == (
        "indexed",
        "jsonl",
        200,
        200,
        0,
    )
    assert done.verified_at
    assert done.first_time
    assert work_done(item) == {"EvidenceVerified": 1, "EvidenceMadeSearchable": 1, "EvidenceIndexed": 1}
    work = Ingest.objects.get(pk=item.pk)
    assert (work.pending, work.attempts, work.error) == (False, 0, "")
    ingest.run(item.pk)  # a second nudge finds nothing to do
    assert sum(work_done(item).values()) == 3


def test_what_a_gzip_holds_becomes_an_item_with_lineage(people: cast.Cast) -> None:
    item = sealed(people, gzip.compress(cast.LINES), "gateway.jsonl.gz")
    cast.disclose(item.case, item, people.contoso, by=people.alice)
    ingest.run(item.pk)
    child = EvidenceItem.objects.get(parent=item)
    assert again(item).state == "sealed"  # it waits for its content
    assert Ingest.objects.get(pk=item.pk).pending
    assert (child.label, child.filename, child.state) == ("E-2", "gateway.jsonl", "sealed")
    assert Path(vault().path(child.sha256)).read_bytes() == cast.LINES
    ingest.run(child.pk)
    assert (again(item).state, again(item).format) == ("indexed", "gzip")
    assert not Ingest.objects.get(pk=item.pk).pending
    carol = people.carol.actor
    case = reads.case(carol, item.case_id)
    assert reads.readable_items(carol, case) == [child]
    assert work_done(item)["EvidenceIndexed"] == 2


def test_a_gzip_in_a_gzip_is_taken_out_layer_by_layer(people: cast.Cast) -> None:
    item = sealed(people, gzip.compress(gzip.compress(cast.LINES)), "a.gz.gz")
    waiting = [item.pk]
    while waiting:
        ingest.run(waiting.pop())
        waiting.extend(
            EvidenceItem.objects.filter(case=item.case_id, state="sealed", derived=None).values_list(
                "pk", flat=True
            )
        )
    assert set(EvidenceItem.objects.filter(case=item.case_id).values_list("state", flat=True)) == {"indexed"}
    assert EvidenceItem.objects.filter(case=item.case_id).count() == 3


def test_bytes_that_changed_in_the_vault_go_into_quarantine(people: cast.Cast) -> None:
    item = sealed(people, b"one\ntwo\n" + os.urandom(8))
    path = vault().path(item.sha256)
    path.chmod(0o600)
    path.write_bytes(b"something else")
    ingest.run(item.pk)
    done = again(item)
    assert done.state == "quarantined"
    assert "have changed" in done.quarantine_reason
    assert work_done(item) == {"EvidenceQuarantined": 1}


def test_poison_goes_into_quarantine_after_three_attempts_and_may_be_retried(people: cast.Cast) -> None:
    item = sealed(people, b"three attempts\n" + os.urandom(8))
    path = vault().path(item.sha256)
    hidden = path.rename(path.with_suffix(".away"))
    for attempt in (1, 2, 3):
        with pytest.raises(Exception, match="does not hold"):
            ingest.run(item.pk)
        work = Ingest.objects.get(pk=item.pk)
        assert (work.step, work.attempts) == ("verify", attempt)
        assert "does not hold" in work.error
    ingest.run(item.pk)
    assert again(item).state == "quarantined"
    assert not Ingest.objects.get(pk=item.pk).pending
    hidden.rename(path)
    perform(RetryEvidence(case=item.case_id, item=item.pk), actor=people.operator)
    assert Ingest.objects.get(pk=item.pk).pending
    ingest.run(item.pk)
    assert again(item).state == "indexed"
    assert work_done(item)["EvidenceQuarantined"] == 1


def test_only_one_worker_has_an_item_at_a_time(people: cast.Cast) -> None:
    item = sealed(people)
    with psycopg.connect(**connection.get_connection_params()) as other:
        key = f"countersign ingest {item.pk}"
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        ingest.run(item.pk)
        assert again(item).state == "sealed"
        other.execute("SELECT pg_advisory_unlock_all()")
    ingest.run(item.pk)
    assert again(item).state == "indexed"


def test_the_sweep_nudges_for_what_waits(people: cast.Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    item = sealed(people)
    nudged: list[UUID] = []
    monkeypatch.setattr(followers, "nudge", nudged.append)
    tasks.sweep()
    assert item.pk in nudged
    tasks.catch_up(str(item.case_id))
    assert nudged.count(item.pk) == 2
    ingest.run(item.pk)
    nudged.clear()
    tasks.sweep()
    assert item.pk not in nudged


DIES = """
import os, signal, sys
import django
django.setup()
from uuid import UUID
from cases import ingest, projections
point, item = sys.argv[1], UUID(sys.argv[2])

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

if point.startswith("before "):
    setattr(ingest, point.removeprefix("before "), die)
elif point.startswith("after "):
    name = point.removeprefix("after ")
    real = getattr(ingest, name)
    def then_die(*args, **kwargs):
        real(*args, **kwargs)
        die()
    setattr(ingest, name, then_die)
elif point == "within the commit":
    projections.apply = die
ingest.run(item)
"""


@pytest.mark.parametrize(
    "point",
    [
        "before write_segment",
        "after write_segment",
        "before index_segment",
        "after index_segment",
        "after perform",
        "within the commit",
    ],
)
def test_a_killed_worker_leaves_what_the_next_run_completes(people: cast.Cast, point: str) -> None:
    item = sealed(people)
    parts = connection.get_connection_params()
    url = f"postgresql://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={parts['host']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": url,
        "VAR_DIR": str(settings.VAR_DIR),
        "CELERY_BROKER_URL": "memory://",
    }
    ended = subprocess.run(
        [sys.executable, "-c", DIES, point, str(item.pk)],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert again(item).state != "indexed"
    ingest.run(item.pk)
    assert again(item).state == "indexed"
    assert work_done(item) == {"EvidenceVerified": 1, "EvidenceMadeSearchable": 1, "EvidenceIndexed": 1}
    assert Ingest.objects.get(pk=item.pk).pending is False
