"""The cast comes in by real commands."""

import pytest

from cases import reads
from tests import cast


@pytest.mark.django_db
def test_the_cast_meets_in_a_joint_case() -> None:
    people = cast.the_cast()
    case = cast.joint_case(people)
    assert case.status == "open"
    assert [each.party_id for each in reads.parties_of(people.carol.actor, case)] == [
        people.northwind,
        people.contoso,
        people.regulator,
    ]
