"""A case put back to an older state, as its members see it, from the alarm until all is back."""

from collections.abc import Callable

import pytest
from django.test import Client

from cases import regain
from tests.cases.test_regain import Lost, lost, superuser
from tests.cast import Person
from tests.web.test_doubt import TITLE

__all__ = ["lost", "superuser"]  # fixtures
SignedIn = Callable[[Person], Client]
WORDS = "not on this host any more"


@pytest.mark.usefixtures("superuser")
def test_what_a_mirror_brought_back_stands_sealed_until_its_content_is_back(
    lost: Lost, signed_in: SignedIn
) -> None:
    carol = lost.people.carol.actor
    alice = signed_in(lost.people.alice)
    pages = f"/cases/{lost.case.reference}"
    assert TITLE not in alice.get(pages).text, "nobody knows yet"
    regain.show(carol, lost.case, lost.note)
    alarm = alice.get(f"{pages}/ledger").text
    assert TITLE in alarm and "refeed" in alarm
    lost.leaves_back()
    index = len(lost.leaves) - 1
    again = alice.get(f"{pages}/ledger").text
    assert TITLE in again and f"Sealed entry {index}, by " in again
    entry = alice.get(f"{pages}/ledger/{index}").text
    assert WORDS in entry and "the path ends at this root" in entry
    regain.open_again(carol, lost.case, b"".join(lost.openings))
    assert TITLE not in alice.get(pages).text
    entry = alice.get(f"{pages}/ledger/{index}").text
    assert WORDS not in entry and "Dispute" in entry
