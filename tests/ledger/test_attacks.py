"""A few of each attack; `python -m tests.ledger` runs them all and prints who notices."""

from collections.abc import Callable

import pytest

from tests.ledger.attacks import ATTACKS, attempt, clean_runs, table
from tests.ledger.conftest import Superuser
from tests.ledger.scene import Scene


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_every_attack_is_found(attack: Callable[[Scene], int | None], superuser: Superuser) -> None:
    for seed in range(3):
        outcome = attempt(attack, superuser, seed)
        assert bool(outcome.alone) == ATTACKS[attack]
        assert outcome.exact, (outcome.at, outcome.mirrored[:3])


def test_clean_logs_raise_no_alarm(superuser: Superuser) -> None:
    assert clean_runs(superuser, 20) == 0


def test_the_table_names_each_attack(superuser: Superuser, capsys: pytest.CaptureFixture[str]) -> None:
    table(superuser, repeats=1, clean=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(ATTACKS)
    assert lines[-1] == "clean logs: 1, false alarms: 0"
