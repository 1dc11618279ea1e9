"""Time stamps by worker and operator: nudges, kills, two workers at once, the command, the console."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from cases import followers, tasks
from config.celery import app
from ledger.cosignatures import checkpoint_note
from ledger.timestamps import Authority
from ledger.verify import verify_log
from tests.api.client import api_of
from tests.cases.stamped import NOBODY, Scene, first, held, scene, second, tsa

__all__ = ["first", "scene", "second", "tsa"]


def test_the_operator_sees_how_the_authorities_answer(
    scene: Scene, first: Authority, settings: Settings, client: Client
) -> None:
    at = scene.close()
    for authority in (first, NOBODY):
        settings.TIME_STAMP_AUTHORITIES = (authority,)
        scene.round(at)
    settings.TIME_STAMP_AUTHORITIES = (first, NOBODY, replace(first, name="New"))
    client.force_login(scene.people.olga)
    page = client.get(reverse("admin:health")).content.decode()
    told = page[page.index("Time stamping authorities") : page.index("The vault")]
    assert "last answered" in told
    assert "Nobody does not answer" in told
    assert "not asked yet" in told
    settings.TIME_STAMP_AUTHORITIES = ()
    assert "nothing is time-stamped" in client.get(reverse("admin:health")).content.decode()


DIES = """
import os, signal, sys
import django
django.setup()
from uuid import UUID
from cases import stamping
from ledger import timestamps

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

real = timestamps.stamp
def then_die(*args, **kwargs):
    real(*args, **kwargs)
    die()

point, case = sys.argv[1], UUID(sys.argv[2])
if point == "before it asks":
    timestamps._ask = die
elif point == "with the answer in hand":
    timestamps._chain = die
else:
    timestamps.stamp = then_die
stamping.stamp_due(case)
"""


@pytest.mark.parametrize("point", ["before it asks", "with the answer in hand", "when the answer is stored"])
def test_a_killed_worker_leaves_what_the_next_round_completes(
    scene: Scene, tsa: tuple[Path, str], first: Authority, second: Authority, point: str
) -> None:
    at = scene.close()
    parts = connection.get_connection_params()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgresql://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={parts['host']}",
        "VAR_DIR": str(django_settings.VAR_DIR),
        "CELERY_BROKER_URL": "memory://",
        "TIME_STAMP_AUTHORITIES": ",".join(
            f"{each.name}|{each.url}|{tsa[0] / 'ca.pem'}" for each in (first, second)
        ),
    }
    ended = subprocess.run(
        [sys.executable, "-c", DIES, point, str(scene.case.pk)],
        env=environment, cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    stored = [one.authority for one in held(scene)]
    assert len(stored) == (1 if point == "when the answer is stored" else 0)
    # The dead worker's lock goes with its session, which the database ends by itself.
    for _ in range(1000):
        scene.round(at)
        if len(held(scene)) == 2:
            break
    assert sorted((one.authority, one.size) for one in held(scene)) == [
        (second.name, scene.size),
        (first.name, scene.size),
    ]
    assert scene.round(at) == []
    assert verify_log(scene.case.pk) == []


def test_two_workers_do_not_ask_twice(scene: Scene, first: Authority) -> None:
    at = scene.close()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            key = [f"countersign stamp {scene.case.pk}"]
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
            assert scene.round(at) == []
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)
    finally:
        other.close()
    assert scene.round(at) == [(first.name, scene.size)]


def test_an_act_that_asks_for_a_stamp_nudges_the_worker(
    scene: Scene, first: Authority, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[object] = []
    monkeypatch.setattr(followers, "nudge_stamps", nudged.append)
    scene.grow("high")
    assert nudged == []
    scene.close()
    assert nudged == [scene.case.pk]
    tasks.stamp_due(str(scene.case.pk))
    assert [one.size for one in held(scene)] == [scene.size]
    settings.TIME_STAMP_AUTHORITIES = ()
    cast_case = Scene()
    cast_case.close()
    assert nudged == [scene.case.pk]
    tasks.stamp_due(str(cast_case.case.pk))
    assert held(cast_case) == []


def test_what_the_beat_and_the_nudge_name_is_there(scene: Scene, first: Authority) -> None:
    app.loader.import_default_modules()
    for rhythm in django_settings.CELERY_BEAT_SCHEDULE.values():
        assert rhythm["task"] in app.tasks
    scene.close()  # the nudge goes to the tests' broker in memory, where nobody listens
    with app.connection_for_read() as channel:
        queue = channel.SimpleQueue("celery")
        sent = [queue.get(block=False) for _ in range(queue.qsize())]
    nudges = [one.payload[0] for one in sent if one.headers["task"] == "cases.tasks.stamp_due"]
    assert [str(scene.case.pk)] in nudges


def test_a_witness_that_came_further_nudges_for_what_waited_for_it(
    scene: Scene, first: Authority, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[object] = []
    monkeypatch.setattr(followers, "nudge_stamps", nudged.append)
    api = api_of(scene.people.rhea)

    def cosigned() -> int:
        nudged.clear()
        for witness in scene.witnesses:
            line = witness.cosign(checkpoint_note(scene.case.pk), int(datetime.now(UTC).timestamp()))
            path = f"/cases/{scene.case.pk}/ledger/cosignatures?size={scene.size}"
            taken = api.ask("POST", path, data=line.encode(), content_type="text/plain")
            assert taken.status_code == 200
        return len(nudged)

    scene.with_witnesses()
    assert cosigned() == 0  # nothing waits
    at = scene.close()
    assert cosigned() == 2
    settings.TIME_STAMP_AUTHORITIES = (NOBODY,)
    assert scene.round(at) == []
    assert cosigned() == 0  # it does not answer: the rounds for all cases try it again
    settings.TIME_STAMP_AUTHORITIES = (first, NOBODY)
    assert cosigned() == 2
    assert scene.round(at) == [(first.name, scene.size)]
    assert cosigned() == 0


def test_the_operator_has_cases_stamped(
    scene: Scene, first: Authority, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("stamp", scene.case.reference)
    assert f"{scene.size} entries stamped by {first.name} at " in capsys.readouterr().out
    scene.close()
    call_command("stamp")
    assert f"{scene.case.pk}: {scene.size} entries stamped" in capsys.readouterr().out
    call_command("stamp", str(scene.case.pk))
    assert len(held(scene)) == 2
    with pytest.raises(CommandError, match="no case CS-1999-1"):
        call_command("stamp", "CS-1999-1")
    settings.TIME_STAMP_AUTHORITIES = (NOBODY,)
    with pytest.raises(CommandError, match="Nobody does not answer"):
        call_command("stamp", scene.case.reference)
    settings.TIME_STAMP_AUTHORITIES = ()
    with pytest.raises(CommandError, match="TIME_STAMP_AUTHORITIES"):
        call_command("stamp")
