"""A database put back to an older state: the signer notices, writing stops, the operator decides."""

from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from cases import proof, reads
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.case import ReviseCase
from ledger import holding, reading
from ledger.host import memory
from ledger.signer import Memory, Signed, Stand
from ledger.verify import verify_log
from tests import cast


def test_a_log_that_fell_behind_what_was_signed_takes_nothing_until_the_operator_says_so(
    committed_db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    people = cast.the_cast()
    alice, case = people.alice.actor, cast.joint_case(people)
    found = reading.head(case.pk)
    assert found is not None
    # What a restored dump looks like from outside: more was signed than the database holds.
    memory().adopt(case.pk, Stand(found.size + 3, bytes(32)))
    with pytest.raises(Refused) as refused:
        perform(ReviseCase(case=case.pk, severity="low"), actor=alice)
    assert (refused.value.code, refused.value.status) == ("log-in-doubt", 503)
    assert "put back to an older state" in refused.value.sentence
    assert reads.case(alice, case.pk).severity == case.severity
    assert verify_log(case.pk) != []
    with pytest.raises(CommandError, match="Tell the parties"):
        call_command("accept_log", str(case.pk))
    call_command("accept_log", str(case.pk), "--yes")
    assert f"goes on from {found.size} entries" in capsys.readouterr().out
    perform(ReviseCase(case=case.pk, severity="low"), actor=alice)
    assert verify_log(case.pk) == []


def test_a_write_between_two_looks_is_no_rollback(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages and workers look at the database and at the signer's memory, and others write meanwhile."""
    people = cast.the_cast()
    alice, case = people.alice.actor, cast.joint_case(people)
    before = reads.ledger_head(alice, case)

    def write() -> None:
        severity = {"low": "high", "high": "low"}.get(reads.case(alice, case.pk).severity, "low")
        perform(ReviseCase(case=case.pk, severity=severity), actor=alice)

    write()
    monkeypatch.setattr(reads, "ledger_head", lambda actor, case: before)
    assert proof.doubt(alice, case) is None
    monkeypatch.undo()

    read = Memory.read

    def busy(self: Memory, log: UUID) -> Signed | None:
        write()
        found = read(self, log)
        write()
        return found

    monkeypatch.setattr(Memory, "read", busy)
    assert holding.doubt_of(case.pk) is None
