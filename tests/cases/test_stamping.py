"""Time stamps: when a case is due, what is stamped, by whom, and what happens when an authority fails."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from cases import bundle, proof, stamping
from cases.models import AuthorityHealth
from ledger import reading
from ledger.timestamps import Authority
from ledger.verify import verify_log
from tests import cast
from tests.cases.stamped import DAY, HOUR, NOBODY, Scene, first, held, scene, second, tsa

__all__ = ["first", "scene", "second", "tsa"]


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


@pytest.mark.parametrize("act", ["closing", "accepting"])
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


def test_what_asks_for_a_stamp_at_once_comes_before_the_day_s_work(whole_db: None, first: Authority) -> None:
    waiting, urgent = [Scene(), Scene()], Scene()
    urgent.close()
    tomorrow = urgent.started + DAY
    assert [one.case for one in stamping.due(at=tomorrow)] == [each.case.pk for each in (urgent, *waiting)]


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
