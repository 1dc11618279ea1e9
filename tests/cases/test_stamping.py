"""Time stamps: when a case is due, what is stamped, by whom, and what happens when an authority fails."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from cases import bundle, followers, proof, stamping, tasks
from cases.models import AuthorityHealth, Case
from cases.perform import perform
from cases.rules.case import CloseCase, ReviseCase
from config import authorities
from config.celery import app
from ledger import reading, timestamps
from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.timestamps import Authority, Stamped
from ledger.verify import verify_log
from tests import cast, keyholders
from tests.api.client import api_of
from tests.ledger.authority import make, serve
from tests.ledger.conftest import Witness

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOBODY = Authority("Nobody", "http://127.0.0.1:9/", "")


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An authority's folder and its root certificate."""
    folder = tmp_path_factory.mktemp("tsa")
    return folder, make(folder)


@pytest.fixture
def first(tsa: tuple[Path, str], settings: Settings) -> Iterator[Authority]:
    """One authority, set up and answering."""
    with serve(*tsa) as authority:
        settings.TIME_STAMP_AUTHORITIES = (authority,)
        yield authority


@pytest.fixture
def second(tsa: tuple[Path, str], first: Authority, settings: Settings) -> Iterator[Authority]:
    """Another one beside it."""
    with serve(*tsa) as authority:
        named = replace(authority, name="Other authority")
        settings.TIME_STAMP_AUTHORITIES = (first, named)
        yield named


@dataclass
class Scene:
    """A joint case; the witnesses of lead and partner, where they are brought in."""

    people: cast.Cast = field(default_factory=cast.the_cast)
    witnesses: list[Witness] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.case: Case = cast.joint_case(self.people)
        self.started = reading.read_entries(self.case.pk)[0].recorded_at

    @property
    def size(self) -> int:
        head = reading.head(self.case.pk)
        assert head is not None
        return head.size

    def with_witnesses(self) -> None:
        for person, name in (
            (self.people.alice, "northwind.example/w"),
            (self.people.carol, "contoso.example/w"),
        ):
            key = keyholders.FileKey()
            keyholders.register_witness(key, by=person, name=name)
            self.witnesses.append(Witness(name, key.private))

    def cosign(self, size: int | None = None) -> int:
        """Lead and partner countersign so many entries, or all."""
        size = size or self.size
        for witness in self.witnesses:
            line = witness.cosign(checkpoint_note(self.case.pk, size), int(datetime.now(UTC).timestamp()))
            add_cosignatures(self.case.pk, line, proof.witness_keys(self.case.pk), size=size)
        return size

    def grow(self, severity: str = "low") -> datetime:
        return perform(
            ReviseCase(case=self.case.pk, severity=severity), actor=self.people.alice.actor
        ).recorded_at

    def close(self) -> datetime:
        closing = CloseCase(case=self.case.pk, reason="Settled")
        return perform(closing, actor=self.people.alice.actor).recorded_at

    def round(self, at: datetime) -> list[tuple[str, int]]:
        """Who stamped what in a round that is held at a time."""
        done = stamping.stamp_due(self.case.pk, at=at)
        assert {case for case, _ in done.stamped} <= {self.case.pk}
        return [(stamped.authority, stamped.size) for _, stamped in done.stamped]


@pytest.fixture
def scene(committed_db: None) -> Scene:
    return Scene()


def held(scene: Scene) -> list[Stamped]:
    return timestamps.time_stamps(scene.case.pk)


def test_a_case_that_grew_is_stamped_once_a_day(scene: Scene, first: Authority, second: Authority) -> None:
    assert scene.round(scene.started) == []
    size, tomorrow = scene.size, scene.started + DAY
    assert scene.round(tomorrow) == [(second.name, size), (first.name, size)]
    assert scene.round(tomorrow) == scene.round(tomorrow + 7 * DAY) == []  # nothing without growth
    stamped = max(one.at for one in held(scene))
    scene.grow()
    assert scene.round(stamped) == []
    assert scene.round(stamped + DAY) == [(second.name, size + 1), (first.name, size + 1)]
    assert len(held(scene)) == 4


@pytest.mark.parametrize("act", ["closing", "disclosing"])
def test_some_acts_are_stamped_at_once(scene: Scene, first: Authority, act: str) -> None:
    if act == "closing":
        at = scene.close()
    else:
        item = cast.sealed_item(scene.people, scene.case)
        assert scene.round(scene.started) == []
        cast.disclose(scene.case, item, scene.people.contoso, by=scene.people.alice)
        at = reading.read_entries(scene.case.pk, limit=1000)[-1].recorded_at
    assert scene.round(at) == [(first.name, scene.size)]
    assert scene.round(at) == []
    (stamped,) = held(scene)
    assert stamped.size == scene.size


def test_the_countersigned_checkpoint_is_what_is_stamped(scene: Scene, first: Authority) -> None:
    scene.with_witnesses()
    at = scene.close()
    assert scene.round(at) == []  # the witnesses have not seen it yet
    countersigned = scene.cosign()
    assert scene.round(at) == [(first.name, countersigned)]
    (stamped,) = held(scene)
    for witness in scene.witnesses:
        assert f"— {witness.name} " in stamped.note


def test_entries_that_came_later_do_not_hold_a_stamp_up(scene: Scene, first: Authority) -> None:
    scene.with_witnesses()
    item = cast.sealed_item(scene.people, scene.case)
    cast.disclose(scene.case, item, scene.people.contoso, by=scene.people.alice)
    covered = scene.cosign()
    at = scene.grow()
    assert scene.round(at) == [(first.name, covered)]
    assert scene.round(at) == []
    # What stands above waits for its own day, and the witnesses have not come further.
    assert scene.round(at + DAY) == [(first.name, covered + 1)]


def test_witnesses_are_waited_for_an_hour(scene: Scene, first: Authority) -> None:
    scene.with_witnesses()
    scene.cosign()
    at = scene.close()
    assert scene.round(at) == scene.round(at + HOUR - timedelta(seconds=1)) == []
    assert scene.round(at + HOUR) == [(first.name, scene.size)]
    late = scene.cosign()
    assert scene.round(at + HOUR) == []
    assert late == scene.size


def test_an_authority_that_fails_does_not_stop_the_other(
    scene: Scene, first: Authority, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TIME_STAMP_AUTHORITIES = (replace(first, name="Down", url="http://127.0.0.1:9/"), first)
    at = scene.close()
    assert scene.round(at) == [(first.name, scene.size)]
    assert "Down does not answer" in caplog.text
    health = AuthorityHealth.objects.get(pk="Down")
    assert health.failing_since is not None
    assert "does not answer" in health.sentence
    assert scene.round(at) == []
    assert AuthorityHealth.objects.get(pk="Down").failing_since == health.failing_since
    settings.TIME_STAMP_AUTHORITIES = (replace(first, name="Down"), first)  # it is back
    assert scene.round(at) == [("Down", scene.size)]
    again = AuthorityHealth.objects.get(pk="Down")
    assert (again.failing_since, again.sentence) == (None, "")
    assert again.answered_at is not None
    assert scene.round(at) == []


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


def test_what_asks_for_a_stamp_at_once_comes_before_the_day_s_work(whole_db: None, first: Authority) -> None:
    waiting, urgent = [Scene(), Scene()], Scene()
    urgent.close()
    tomorrow = urgent.started + DAY
    assert [one.case for one in stamping.due(at=tomorrow)] == [each.case.pk for each in (urgent, *waiting)]


def test_the_index_knows_which_acts_ask_for_a_stamp(committed_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'cases_stamp_at_once'")
        (told,) = cursor.fetchone()
    assert set(re.findall("'([A-Za-z]+)'", told)) == set(stamping.AT_ONCE)


def test_all_cases_are_looked_at_in_one_query(
    whole_db: None, first: Authority, second: Authority, settings: Settings
) -> None:
    scenes = [Scene(), *(Scene() for _ in range(4))]
    at = [scene.close() for scene in scenes][-1]
    with CaptureQueriesContext(connection) as queries:
        found = stamping.due(at=at)
    assert len(queries) == 1
    assert [(one.case, one.authority) for one in found] == [
        (scene.case.pk, name) for scene in scenes for name in (second.name, first.name)
    ]
    # An authority that is down is not waited for again and again.
    settings.TIME_STAMP_AUTHORITIES = (first, NOBODY)
    seen: list[tuple[int, int]] = []
    done = stamping.stamp_due(at=at, progress=lambda number, total: seen.append((number, total)))
    assert len(done.failures) == stamping.STRIKES
    assert {case for case, _ in done.stamped} == {scene.case.pk for scene in scenes}
    assert seen == [(n, 5) for n in range(1, 6)]
    settings.TIME_STAMP_AUTHORITIES = (first,)
    assert stamping.due(at=at) == []


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


def test_stamps_are_part_of_the_proof_and_anybody_can_check_them(
    scene: Scene, first: Authority, second: Authority, tsa: tuple[Path, str], tmp_path: Path
) -> None:
    scene.with_witnesses()
    scene.close()
    size = scene.cosign()
    at = datetime.now(UTC)
    assert len(scene.round(at)) == 2
    carol = scene.people.carol.actor
    state = proof.proof_state(carol, scene.case)
    assert [(stamp.authority, stamp.size) for stamp in state.stamps] == [
        (second.name, size),
        (first.name, size),
    ]
    assert state.authorities == (first.name, second.name)
    assert (state.state_of(size - 1), state.countersigned) == ("time-stamped", size)
    assert {stamp.size for stamp in proof.entry_state(carol, scene.case, 0).stamped} == {size}
    scene.cosign()
    assert verify_log(scene.case.pk) == []
    for n, stamped in enumerate(held(scene)):
        parts = (("n", stamped.note.encode()), ("r", stamped.response), ("c", stamped.chain.encode()))
        for name, content in parts:
            (tmp_path / f"{name}{n}").write_bytes(content)
        subprocess.run(
            ["openssl", "ts", "-verify", "-data", tmp_path / f"n{n}", "-in", tmp_path / f"r{n}",
             "-CAfile", tsa[0] / "ca.pem", "-untrusted", tmp_path / f"c{n}"],
            check=True, capture_output=True,
        )  # fmt: skip
    # The bundle with the policy that the host hands out, and the authority's root pinned.
    taken, policy = tmp_path / "bundle.zip", tmp_path / "policy"
    taken.write_bytes(b"".join(bundle.export(carol, scene.case).parts))
    policy.write_text(proof.policy_text(carol, scene.case))
    given = [str(taken), "--policy", str(policy), "--tsa", str(tsa[0] / "ca.pem")]
    done = subprocess.run(
        [sys.executable, "-m", "verifier", *given],
        cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not pinned" not in done.stdout


# The setting


def test_authorities_come_from_the_setting(tsa: tuple[Path, str]) -> None:
    path = tsa[0] / "ca.pem"
    found = authorities.parse(f" First | https://tsa.example/tsr | {path} ,Second|http://[::1]:318/|{path},")
    assert [(each.name, each.url) for each in found] == [
        ("First", "https://tsa.example/tsr"),
        ("Second", "http://[::1]:318/"),
    ]
    assert all(each.roots == tsa[1] for each in found)
    assert authorities.parse("") == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("First", "must be name"),
        ("First|https://tsa.example", "must be name"),
        ("|https://tsa.example|{pem}", "must be name"),
        ("First|https://tsa.example|{pem}|more", "must be name"),
        ("First|ftp://tsa.example|{pem}", "no web address"),
        ("First|https://|{pem}", "no web address"),
        ("First|https://tsa.example:port|{pem}", "no web address"),
        ("First|https://tsa.example/a b|{pem}", "no web address"),
        ("First|https://tsa.example|/nowhere.pem", "cannot be read"),
        ("First|https://tsa.example|{key}", "no PEM certificates"),
        ("A|https://a.example|{pem},A|https://b.example|{pem}", "one name"),
        ("{long}|https://tsa.example|{pem}", "at most 80"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(tsa: tuple[Path, str], given: str, sentence: str) -> None:
    filled = given.format(pem=tsa[0] / "ca.pem", key=tsa[0] / "serial", long="n" * 81)
    with pytest.raises(ImproperlyConfigured, match=sentence):
        authorities.parse(filled)
