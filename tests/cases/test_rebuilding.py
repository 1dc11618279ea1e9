"""Read models follow from the ledger alone. These commit for real: writers and comparisons need transactions
of their own."""

import hashlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cases import keyring, reads
from cases.models import (
    ApiToken,
    Case,
    CaseGroupObjectPermission,
    CustodyEvent,
    EvidenceItem,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
    PartyKey,
    Proposal,
    ProposalAnswer,
    Share,
    ShareItem,
)
from cases.perform import perform
from cases.projections.batch import TABLES
from cases.rebuilding import compare, rebuild
from cases.rules.case import AddParty, CloseCase, LiftLegalHold, PlaceLegalHold, ReopenCase, ReviseCase
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.keys import RequireSignatures, RevokeKey
from cases.rules.parties import DisableMember, EnableMember
from cases.rules.proposals import (
    AcceptLead,
    AgreeToClose,
    DissentFromClosing,
    LeaveCase,
    ObjectToParty,
    OfferLead,
    WithdrawProposal,
    proposal_of,
)
from cases.rules.sharing import AcceptShare, ChangeShare, RevokeShare
from evidence.models import Ingest
from tests import cast, keyholders
from tests.keyholders import FileKey, Passkey

pytestmark = pytest.mark.usefixtures("whole_db")


def silent(done: int, total: int) -> None:
    assert 0 <= done <= total


def tables() -> dict[str, list[str]]:
    """Every row of every read model, as the database writes it."""
    told = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT t::text FROM {table._meta.db_table} t ORDER BY id")
            told[table._meta.db_table] = [row for (row,) in cursor.fetchall()]
        cursor.execute("SELECT user_id, group_id FROM auth_user_groups ORDER BY 1, 2")
        told["memberships"] = [str(row) for row in cursor.fetchall()]
    return told


OF_THIS_HISTORY = (
    PartyKey,
    Proposal,
    ProposalAnswer,
    ApiToken,
    CustodyEvent,
    Share,
    ShareItem,
    CaseGroupObjectPermission,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
)


def together(people: cast.Cast, case: Case) -> None:
    """A party joins by consent, leaves with an item of its own, comes back; the lead passes on; a closing is
    dissented from, and the case taken up again."""
    counsel = cast.person("cleo", people.contoso, "counsel", host=people.operator, tail=case.reference)
    perform(RequireSignatures(party=people.contoso, required=False), actor=people.carol.actor)
    cast.add_party(case.pk, people.outsiders, by=people.alice, consenting=[counsel])
    theirs = cast.sealed_item(people, case, by=people.mallory)
    cast.disclose(case, theirs, people.contoso, by=people.mallory)
    perform(LeaveCase(case=case.pk, reason="Sold"), actor=people.mallory.actor)
    cast.add_party(case.pk, people.outsiders, by=people.alice, consenting=[counsel])
    early = CloseCase(case=case.pk, reason="Done")
    perform(early, actor=people.alice.actor)
    perform(WithdrawProposal(case=case.pk, proposal=proposal_of(early)), actor=people.alice.actor)
    perform(CloseCase(case=case.pk, reason="Done"), actor=people.alice.actor)
    offer = OfferLead(case=case.pk, to=people.contoso)
    perform(offer, actor=people.alice.actor)
    perform(AcceptLead(case=case.pk, proposal=proposal_of(offer)), actor=counsel.actor)
    unwanted = AddParty(case=case.pk, party=cast.the_cast().outsiders, role="observer")
    perform(unwanted, actor=people.alice.actor)
    no = ObjectToParty(case=case.pk, proposal=proposal_of(unwanted), reason="A competitor")
    perform(no, actor=people.mallory.actor)
    close = CloseCase(case=case.pk, reason="Settled")
    perform(close, actor=people.carol.actor)
    dissent = DissentFromClosing(case=case.pk, proposal=proposal_of(close), reason="Not settled")
    perform(dissent, actor=people.alice.actor)
    perform(AgreeToClose(case=case.pk, proposal=proposal_of(close)), actor=people.mallory.actor)
    assert reads.case(people.alice.actor, case.pk).status_reason == "Settled"
    perform(ReopenCase(case=case.pk, reason="Not settled"), actor=people.carol.actor)


@pytest.fixture
def item() -> EvidenceItem:
    """A little history: keys, a joint case, an item, a disclosure, a hold, a member out and in again."""
    people = cast.the_cast()
    own, other = FileKey(), Passkey()
    keyholders.register_witness(FileKey(), by=people.carol)
    keyholders.register(own, by=people.carol)
    case = cast.joint_case(people)
    lost = keyholders.register(FileKey(), by=people.carol)
    carol, party = people.carol, people.contoso
    perform(keyholders.rotating(other, own, party=party, member=carol.member), actor=carol.actor)
    perform(RevokeKey(party=party, key=lost, reason="Lost"), actor=carol.actor)
    perform(RequireSignatures(party=party, required=True), actor=carol.actor)
    keyring.spread(case.pk, party)
    item = cast.sealed_item(people, case)
    share = cast.offer(case, item, to=people.contoso, by=people.alice)
    accept = AcceptShare(case=case.pk, share=share)
    perform(accept, actor=carol.actor, authorship=keyholders.sign(other, accept))
    wider = ChangeShare(
        case=case.pk,
        share=share,
        items=(item.pk,),
        operations=("download", "share_on"),
        onward=True,
        purpose="More",
    )
    perform(wider, actor=people.alice.actor)
    named = {"roles": ("custodian",), "members": (carol.member,)}
    some = cast.offer(case, scope="case", to=people.contoso, by=people.alice, **named)
    accept = AcceptShare(case=case.pk, share=some)
    perform(accept, actor=carol.actor, authorship=keyholders.sign(other, accept))
    ended = cast.offer(case, scope="case", to=people.regulator, by=people.alice)
    cast.accepted(case, ended)
    perform(RevokeShare(case=case.pk, share=ended, reason="Over"), actor=people.alice.actor)
    seen = (Examination(item=item.pk, how="download"),)
    perform(ExamineEvidence(case=case.pk, examinations=seen), actor=people.carol.actor)
    hold = PlaceLegalHold(case=case.pk, reason="Dispute")
    perform(hold, actor=carol.actor, authorship=keyholders.sign(other, hold))
    perform(PlaceLegalHold(case=case.pk, reason="Dispute"), actor=people.alice.actor)
    perform(LiftLegalHold(case=case.pk, reason="Settled"), actor=people.alice.actor)
    perform(ReviseCase(case=case.pk, severity="low"), actor=people.alice.actor)
    cast.token(people.alice)
    together(people, case)
    perform(DisableMember(member=people.bob.member), actor=people.operator)
    perform(DisableMember(member=people.dan.member), actor=people.operator)
    perform(EnableMember(member=people.dan.member), actor=people.operator)
    return item


def test_rebuild_gives_the_same_bytes(item: EvidenceItem) -> None:
    assert Case.objects.get(pk=item.case_id).legal_hold
    before, work = tables(), list(Ingest.objects.order_by("pk").values())
    empty = {name for name, rows in before.items() if not rows}
    assert not empty & {table._meta.db_table for table in OF_THIS_HISTORY}
    assert rebuild(silent) > 0
    assert tables() == before
    assert list(Ingest.objects.order_by("pk").values()) == work


def test_verify_finds_everything_in_order(item: EvidenceItem) -> None:
    out = StringIO()
    before = tables()
    call_command("verify", stdout=out)
    assert out.getvalue().count("all in order.") == 2
    assert tables() == before


def test_verify_names_a_row_that_was_changed_behind_the_ledgers_back(item: EvidenceItem) -> None:
    EvidenceItem.objects.filter(pk=item.pk).update(title="Nothing to see")
    CustodyEvent.objects.filter(item=item, kind="examined").delete()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify", stdout=out)
    assert f"The row {item.pk} of cases_evidenceitem is not what the ledger tells." in out.getvalue()
    assert "of cases_custodyevent is told by the ledger but missing" in out.getvalue()
    rebuild(silent)
    assert compare(silent) == []


def test_verify_names_a_permission_that_no_event_gave(item: EvidenceItem) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_evidenceitemgroupobjectpermission"
            " (id, content_object_id, group_id, permission_id)"
            " SELECT gen_random_uuid(), %s, g.group_id, p.permission_id"
            " FROM cases_evidenceitemgroupobjectpermission p, cases_party g"
            " WHERE p.content_object_id = %s AND g.name LIKE 'Outsiders%%' LIMIT 1",
            [item.pk, item.pk],
        )
        assert cursor.rowcount == 1
    assert [found.table for found in compare(silent)] == ["cases_evidenceitemgroupobjectpermission"]
    rebuild(silent)
    assert compare(silent) == []


def test_token_prints_a_secret_whose_hash_alone_is_kept(item: EvidenceItem) -> None:
    people = cast.the_cast()
    out = StringIO()
    call_command("token", people.alice.user.username, "--label", "CI", "--days", "7", stdout=out)
    secret = out.getvalue().strip()
    token = ApiToken.objects.get(secret_sha256=hashlib.sha256(secret.encode()).hexdigest())
    assert (token.member_id, token.label, (token.expires_at - token.issued_at).days) == (
        people.alice.member,
        "CI",
        6,
    )
    with pytest.raises(CommandError, match="not a member"):
        call_command("token", "nobody", stdout=out)
    with pytest.raises(CommandError, match="1 to 366"):
        call_command("token", people.alice.user.username, "--days", "0", stdout=out)
