"""A database put back to an older state: the signer notices, writing stops, the operator decides."""

import pytest
from django.core.management import CommandError, call_command

from cases import reads
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.case import ReviseCase
from ledger import reading
from ledger.host import memory
from ledger.signer import Stand
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
