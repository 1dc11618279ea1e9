"""What members signed is checked by the verifier alone, from a party's bundle, under pinned keys."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from cases import bundle, keyring
from cases.models import Case
from cases.perform import perform
from cases.rules.case import CloseCase, LiftLegalHold, PlaceLegalHold, ReopenCase
from cases.rules.keys import RevokeKey
from cases.rules.proposals import AgreeToClose, proposal_of
from cases.rules.shape import Command
from cases.rules.sharing import OfferShare
from ledger import signing
from ledger.authorship import key_id
from ledger.cosignatures import checkpoint_note
from ledger.host import host_key
from tests import cast, keyholders
from tests.keyholders import FileKey, Holder, Passkey

REPOSITORY = Path(__file__).parents[2]


def verified(case: Case, by: cast.Person, folder: Path, pins: dict[Holder, UUID]) -> tuple[int, str]:
    """What countersign-verify says of a party's bundle."""
    origin = signing.parse_checkpoint(checkpoint_note(case.pk)).origin
    lines = [f"log {signing.vkey(origin, host_key().public)}", "quorum none"]
    lines += [f"#key {key_id(holder.public)} {party}" for holder, party in pins.items()]
    policy, zipped = folder / "policy.txt", folder / "bundle.zip"
    policy.write_text("\n".join(lines) + "\n")
    zipped.write_bytes(b"".join(bundle.export(by.actor, case).parts))
    given = [sys.executable, "-m", "verifier", str(zipped), "--policy", str(policy)]
    done = subprocess.run(given, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def counted(said: str) -> list[int]:
    """Signed acts, those that are shown, and those by keys that nobody pinned."""
    (note,) = [line for line in said.splitlines() if "#key" in line]
    return [int(word) for word in note.split() if word.isdigit()]


@pytest.mark.usefixtures("committed_db")
def test_the_verifier_takes_what_members_signed_and_asks_for_pinned_keys(tmp_path: Path) -> None:
    people = cast.the_cast()
    case, laptop, old, new = cast.joint_case(people), FileKey(), FileKey(), Passkey()
    item = cast.sealed_item(people, case)
    alice, carol = people.alice.actor, people.carol.actor

    def act(command: Command, holder: Holder, by: cast.Person) -> None:
        perform(command, actor=by.actor, authorship=keyholders.sign(holder, command))

    keyholders.register(laptop, by=people.alice, name="laptop")
    keyholders.register_witness(FileKey(), by=people.carol, name="contoso.example/witness")
    keyholders.register(old, by=people.carol)
    offer = OfferShare(
        case=case.pk,
        share=uuid4(),
        items=(item.pk,),
        to=people.contoso,
        operations=("search",),
        purpose="Joint analysis",
    )
    act(offer, laptop, people.alice)
    cast.accepted(case, offer.share)
    act(PlaceLegalHold(case=case.pk, reason="Dispute"), old, people.carol)
    rotate = keyholders.rotating(new, old, party=people.contoso, member=people.carol.member)
    perform(rotate, actor=carol)
    act(LiftLegalHold(case=case.pk, reason="Settled"), new, people.carol)
    close = CloseCase(case=case.pk, reason="Settled – “for good”")
    act(close, laptop, people.alice)
    act(AgreeToClose(case=case.pk, proposal=proposal_of(close)), new, people.carol)
    act(ReopenCase(case=case.pk, reason="Not settled"), laptop, people.alice)
    perform(RevokeKey(party=people.northwind, key=key_id(laptop.public), reason="Lost"), actor=alice)
    keyring.spread(case.pk, people.northwind)

    for person in (people.alice, people.carol):
        code, said = verified(case, person, tmp_path, {})
        assert code == 0, said
        assert counted(said) == [6, 6, 6]
    # The observer does not see the item, nor therefore what was signed about it; the rest holds.
    code, said = verified(case, people.rhea, tmp_path, {})
    assert code == 0, said
    assert counted(said) == [6, 5, 5]
    # A pinned key, and what it was replaced by, are the party's own.
    pins: dict[Holder, UUID] = {laptop: people.northwind, old: people.contoso}
    code, said = verified(case, people.carol, tmp_path, pins)
    assert code == 0, said
    assert counted(said) == [6, 6, 0]
    # Whoever pinned another key than the host shows finds each act that rests on the host's word.
    code, said = verified(case, people.carol, tmp_path, {laptop: people.northwind, FileKey(): people.contoso})
    assert code == 1
    assert said.count("finding:") == 3
    assert "pinned" in said
