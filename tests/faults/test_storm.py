"""The small storm: nothing acknowledged is lost and nothing is done twice, whoever is killed meanwhile."""

from pathlib import Path

from tests.faults.storm import Storm
from tests.stack import Stack


def test_what_was_acknowledged_stands_once_whatever_was_killed(
    breakable_stack: Stack, tmp_path: Path
) -> None:
    storm = Storm(breakable_stack, cases=4, writers=2, commands=400, kills=("web", "database"), late=1)
    storm.rage(tmp_path)
    assert storm.tally.findings == []
    assert len(storm.tally.acks) == 400
    assert storm.tally.repeated > 0
    assert [name for name, _ in storm.recovered] == ["web", "database"]
