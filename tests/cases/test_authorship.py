"""Acts that members sign with keys of their own, on the real database."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import connection, connections, transaction

from cases import events, intents, keyring, policy, reads
from cases.intents import Authorship
from cases.models import Case, Participation
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.acting import HOST_LOG, Actor
from cases.rules.case import (
    AddParty,
    CloseCase,
    LiftLegalHold,
    PlaceLegalHold,
    ReopenCase,
    ReviseCase,
)
from cases.rules.keys import RequireSignatures, RevokeKey
from cases.rules.known import Known
from cases.rules.parties import DisableMember, EnableMember
from cases.rules.proposal_events import ClosingProposed
from cases.rules.proposals import (
    AcceptLead,
    AgreeToClose,
    ConsentToParty,
    DissentFromClosing,
    LeaveCase,
    ObjectToParty,
    OfferLead,
    RefuseLead,
    WithdrawProposal,
    proposal_of,
)
from cases.rules.shape import Command
from cases.rules.sharing import AcceptShare, ChangeShare, OfferShare, RevokeShare
from ledger import jcs, leaf, reading
from ledger.authorship import Signature, key_id
from ledger.entries import EntryRow
from ledger.leaf import time_text
from ledger.verify import verify_log
from tests import cast, keyholders
from tests.keyholders import FileKey, Holder, Passkey, sign

SHA = "ab" * 32


@pytest.fixture
def people(db: None) -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


@pytest.fixture
def own(people: cast.Cast) -> FileKey:
    """alice's key in a file."""
    key = FileKey()
    keyholders.register(key, by=people.alice)
    return key


def entries(case: Case, first: int, count: int) -> list[EntryRow]:
    return reading.read_entries(case.pk, after=first - 1, limit=count)


def body_of(row: EntryRow) -> dict[str, Any]:
    assert row.opening is not None
    return {name: value for name, (_, value) in row.opening.items()}


def refused(code: str, command: Command, actor: Actor, authorship: Authorship | None) -> Refused:
    """The refusal of an act, which has left nothing behind."""
    before = reading.head(command.log)
    with pytest.raises(Refused) as caught:
        perform(command, actor=actor, authorship=authorship)
    assert caught.value.code == code, caught.value.sentence
    assert caught.value.sentence.endswith(".")
    assert reading.head(command.log) == before
    return caught.value


def check_intent(row: EntryRow, holder: Holder, command: Command) -> dict[str, Any]:
    """What any reader of leaf and opening can check alone, by docs/format.md section 15: the body."""
    body, auth = body_of(row), leaf.parse(row.leaf).auth
    assert auth is not None
    assert set(auth) == {"key", "alg", "intent", "sig"}
    assert auth["key"] == sha256(holder.public).hexdigest()
    assert auth["alg"] == holder.alg
    assert auth["intent"] == sha256(body["intent"].encode()).hexdigest()
    intent = json.loads(body["intent"])
    assert jcs.canonical(intent).decode() == body["intent"]
    assert set(intent) == {"intent", "log", "command", "command_id", "content", "made_at"}
    assert intent["intent"] == "countersign/intent/v1"
    assert intent["log"] == leaf.parse(row.leaf).log
    assert intent["command"] == type(command).__name__
    assert intent["command_id"] == body["command"] == str(command.id)
    assert intent["content"] == sha256(jcs.canonical(body["signed"])).hexdigest()
    assert all(body[name] == value for name, value in body["signed"].items())
    return body


def test_a_closing_signed_with_an_ed25519_key_can_be_checked_by_anybody(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    close = CloseCase(case=case.pk, reason="Settled between the parties")
    receipt = perform(close, actor=people.alice.actor, authorship=sign(own, close))
    (row,) = entries(case, receipt.first, 9)
    body = check_intent(row, own, close)
    assert body["type"] == "ClosingProposed"
    assert body["signed"] == {"reason": "Settled between the parties"}
    assert set(body) == {
        "type", "schema", "actor", "stream", "version", "command", "proposal", "by",
        "reason", "intent", "signed",
    }  # fmt: skip
    auth = leaf.parse(row.leaf).auth or {}
    public = Ed25519PublicKey.from_public_bytes(own.public)
    public.verify(base64.b64decode(str(auth["sig"])), body["intent"].encode())
    # The key is in the same log, before the act.
    registered = next(e for e in reading.read_events(case.pk) if e.type == "KeyRegistered")
    assert registered.index < row.index
    assert (registered.fields["key"], registered.fields["public"]) == (auth["key"], own.public.hex())
    assert verify_log(case.pk) == []
    perform(AgreeToClose(case=case.pk, proposal=proposal_of(close)), actor=people.carol.actor)
    assert reads.case(people.alice.actor, case.pk).status == "closed"


def test_an_offer_signed_with_a_passkey_can_be_checked_by_anybody(people: cast.Cast, case: Case) -> None:
    phone = Passkey()
    keyholders.register(phone, by=people.alice)
    item = cast.sealed_item(people, case)
    offer = OfferShare(
        case=case.pk,
        share=uuid4(),
        items=(item.pk,),
        to=people.contoso,
        operations=("search", "preview"),
        purpose="Joint analysis",
        agreement="Clause 7",
    )
    receipt = perform(offer, actor=people.alice.actor, authorship=sign(phone, offer))
    (act,) = entries(case, receipt.first, 9)
    body = check_intent(act, phone, offer)
    assert body["type"] == "ShareOffered"
    signed = body["signed"]
    assert signed["share"] == str(offer.share)
    assert signed["to"] == str(people.contoso)
    assert signed["items"] == [str(item.pk)]
    assert signed["operations"] == ["search", "preview"]
    assert (signed["purpose"], signed["agreement"]) == ("Joint analysis", "Clause 7")
    assert (signed["tlp"], signed["expires_at"], signed["onward"]) == ("TLP:AMBER", None, False)
    client, data = (base64.b64decode(body[name]) for name in ("client_data", "authenticator_data"))
    challenge = base64.urlsafe_b64encode(sha256(body["intent"].encode()).digest()).rstrip(b"=").decode()
    assert json.loads(client)["challenge"] == challenge
    assert json.loads(client)["type"] == "webauthn.get"
    assert data[32] & 1
    auth = leaf.parse(act.leaf).auth or {}
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), phone.public)
    point.verify(base64.b64decode(str(auth["sig"])), data + sha256(client).digest(), ec.ECDSA(SHA256()))
    assert verify_log(case.pk) == []
    cast.accepted(case, offer.share)
    assert reads.item(people.carol.actor, case, item.pk).pk == item.pk


def test_an_event_is_read_as_if_nobody_had_signed_it(people: cast.Cast, case: Case, own: FileKey) -> None:
    close = CloseCase(case=case.pk, reason="Settled")
    receipt = perform(close, actor=people.alice.actor, authorship=sign(own, close))
    assert events.read(receipt.events[0]) == ClosingProposed(
        proposal=proposal_of(close), by=people.northwind, reason="Settled"
    )
    row = reads.ledger_page(people.carol.actor, case, after=receipt.first - 1)[0]
    assert row.sentence == f"Alice ({case.lead.short_name}) proposed to close the case: Settled"
    assert row.opening is not None
    assert "intent" in row.opening


def test_each_act_that_binds_may_be_signed(people: cast.Cast, case: Case, own: FileKey) -> None:
    spare = keyholders.register(FileKey(), by=people.alice)
    theirs, others = FileKey(), FileKey()
    keyholders.register(theirs, by=people.carol)
    keyholders.register(others, by=people.mallory)
    early, unwanted, wanted = (
        AddParty(case=case.pk, party=people.outsiders, role="partner") for _ in range(3)
    )
    refused_, taken = (OfferLead(case=case.pk, to=people.contoso) for _ in range(2))
    back = OfferLead(case=case.pk, to=people.northwind)
    first, second = (CloseCase(case=case.pk, reason="Done") for _ in range(2))
    alice, carol, mallory = (people.alice, own), (people.carol, theirs), (people.mallory, others)

    def answer(kind: Callable[..., Command], to: AddParty | CloseCase | OfferLead, **more: str) -> Command:
        return kind(case=case.pk, proposal=proposal_of(to), **more)

    acts: list[tuple[Command, tuple[cast.Person, FileKey]]] = [
        (PlaceLegalHold(case=case.pk, reason="Dispute"), alice),
        (LiftLegalHold(case=case.pk, reason="Settled"), alice),
        (early, alice),
        (answer(WithdrawProposal, early, reason="Too early"), alice),
        (unwanted, alice),
        (answer(ObjectToParty, unwanted, reason="A competitor"), carol),
        (wanted, alice),
        (answer(ConsentToParty, wanted), carol),
        (LeaveCase(case=case.pk, reason="Not ours"), mallory),
        (refused_, alice),
        (answer(RefuseLead, refused_, reason="Too much"), carol),
        (taken, alice),
        (answer(AcceptLead, taken), carol),
        (back, carol),
        (answer(AcceptLead, back), alice),
        (first, alice),
        (answer(AgreeToClose, first), carol),
        (ReopenCase(case=case.pk, reason="Not done"), alice),
        (second, alice),
        (answer(DissentFromClosing, second, reason="Still not done"), carol),
        (RevokeKey(party=people.northwind, key=spare, reason="Not needed"), alice),
        (RequireSignatures(party=people.northwind, required=True), alice),
    ]
    for act, (person, key) in acts:
        receipt = perform(act, actor=person.actor, authorship=sign(key, act))
        (row,) = reading.read_entries(act.log, after=receipt.first - 1, limit=1)
        check_intent(row, key, act)
    assert {type(act).__name__ for act, _ in acts} <= policy.BINDING
    assert verify_log(case.pk) == []


def test_each_act_on_a_share_that_binds_may_be_signed_by_its_side(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    theirs, share, item = FileKey(), uuid4(), cast.sealed_item(people, case)
    keyholders.register(theirs, by=people.carol)
    terms: dict[str, Any] = {"items": (item.pk,), "operations": ("search",), "purpose": "Joint analysis"}
    acts: list[tuple[Command, FileKey, cast.Person]] = [
        (OfferShare(case=case.pk, share=share, to=people.contoso, **terms), own, people.alice),
        (AcceptShare(case=case.pk, share=share), theirs, people.carol),
        (ChangeShare(case=case.pk, share=share, **terms, watermark=True), own, people.alice),
        (RevokeShare(case=case.pk, share=share, reason="Over"), own, people.alice),
    ]
    for act, key, by in acts:
        assert type(act).__name__ in policy.BINDING
        receipt = perform(act, actor=by.actor, authorship=sign(key, act))
        (row,) = reading.read_entries(case.pk, after=receipt.first - 1, limit=1)
        check_intent(row, key, act)


def test_a_case_in_which_the_party_has_no_keys_yet_gets_them_before_the_act(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    assert Participation.objects.get(case=case, party=people.northwind).keys == 0
    hold = PlaceLegalHold(case=case.pk, reason="Dispute")
    receipt = perform(hold, actor=people.alice.actor, authorship=sign(own, hold))
    assert [e.type for e in reading.read_events(case.pk)][-2:] == ["KeyRegistered", "LegalHoldPlaced"]
    assert receipt.count == 1


def forged(told: Authorship, key: FileKey, **changed: str | None) -> Authorship:
    """The same with other words in the intent, signed all the same."""
    intent = {name: value for name, value in (json.loads(told.intent) | changed).items() if value is not None}
    text = jcs.canonical(intent).decode()
    return replace(told, intent=text, signature=key.sign(text))


def test_a_signature_counts_for_just_this_act_of_just_this_member(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    alice, other = people.alice.actor, FileKey()
    keyholders.register(other, by=people.bob)
    keyring.spread(case.pk, people.northwind)
    close = CloseCase(case=case.pk, reason="Done")
    good = sign(own, close)
    for wrong, words in (
        (forged(good, own, log=f"countersign/localhost/case/{uuid4()}"), "another log"),
        (forged(good, own, command="ContainCase"), "another act"),
        (forged(good, own, command_id=str(uuid4())), "another request"),
        (forged(good, own, content="0" * 64), "not what is asked"),
        (forged(good, own, intent="countersign/intent/v2"), "no intent"),
        (forged(good, own, extra="x"), "no intent"),
        (forged(good, own, made_at=None), "no intent"),
        (forged(good, own, made_at="today"), "no time"),
        (forged(good, own, made_at=time_text(datetime.now(UTC) - timedelta(hours=25))), "more than a day"),
        (forged(good, own, made_at=time_text(datetime.now(UTC) + timedelta(minutes=6))), "dated ahead"),
        (sign(own, close, intent=good.intent + " "), "not canonical"),
        (sign(own, close, intent="[]"), "no intent"),
        (sign(own, close, intent="no JSON"), "not canonical"),
        (replace(good, alg="webauthn"), "another kind"),
        (replace(good, signature=other.sign(good.intent)), "does not hold"),
        (replace(good, signature=Signature("?")), "base64"),
        (replace(good, signature=replace(good.signature, client_data="e30=")), "alone"),
        (sign(own, replace(close, reason="Other")), "another request|not what is asked"),
    ):
        sentence = refused("signature-wrong", close, alice, wrong).sentence
        assert any(word in sentence for word in words.split("|")), (words, sentence)
    for unknown in (
        replace(good, key="00" * 32),
        sign(other, close),  # bob's
        replace(good, key=key_id(other.public)),
    ):
        refused("key-unknown", close, alice, unknown)
    stranger = FileKey()
    keyholders.register(stranger, by=people.mallory)
    refused("not-found", close, people.mallory.actor, sign(stranger, close))
    assert perform(close, actor=alice, authorship=good).count == 1


def test_a_witness_key_signs_no_act(people: cast.Cast, case: Case) -> None:
    witness = FileKey()
    keyholders.register_witness(witness, by=people.alice)
    hold = PlaceLegalHold(case=case.pk, reason="Dispute")
    refused("key-unknown", hold, people.alice.actor, sign(witness, hold))
    refused("key-unknown", hold, people.operator, sign(witness, hold))


def test_only_what_binds_a_party_is_signed(people: cast.Cast, case: Case, own: FileKey) -> None:
    revise = ReviseCase(case=case.pk, severity="low")
    refused("signature-wrong", revise, people.alice.actor, sign(own, revise))


def test_what_is_recorded_is_word_for_word_what_was_signed(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    keyring.spread(case.pk, people.northwind)
    close = CloseCase(case=case.pk, reason=" Done ")
    said = refused("signature-wrong", close, people.alice.actor, sign(own, close))
    assert "other words" in said.sentence


def test_a_passkey_of_another_site_is_refused(people: cast.Cast, case: Case) -> None:
    phone = Passkey()
    keyholders.register(phone, by=people.alice)
    keyring.spread(case.pk, people.northwind)
    close = CloseCase(case=case.pk, reason="Done")
    for wrong in (
        replace(phone, origin="https://phish.example"),
        replace(phone, rp_id="phish.example"),
        replace(phone, flags=0),
        replace(phone, kind="webauthn.create"),
    ):
        refused("signature-wrong", close, people.alice.actor, sign(wrong, close))
    assert perform(close, actor=people.alice.actor, authorship=sign(phone, close)).count == 1


def test_a_party_may_want_every_binding_act_signed(people: cast.Cast, case: Case, own: FileKey) -> None:
    alice = people.alice.actor
    perform(RequireSignatures(party=people.northwind, required=True), actor=alice)
    keyring.spread(case.pk, people.northwind)
    hold = PlaceLegalHold(case=case.pk, reason="Dispute")
    assert refused("signature-needed", hold, alice, None).status == 409
    assert perform(hold, actor=alice, authorship=sign(own, hold)).count == 1
    # Others are not asked, nor is what binds nobody, nor the worker.
    perform(PlaceLegalHold(case=case.pk, reason="Dispute"), actor=people.carol.actor)
    perform(ReviseCase(case=case.pk, severity="low"), actor=alice)
    cast.sealed_item(people, case)
    # A stranger still hears that there is nothing.
    refused("not-found", CloseCase(case=case.pk, reason="x"), people.mallory.actor, None)
    perform(RequireSignatures(party=people.northwind, required=False), actor=alice)
    perform(LiftLegalHold(case=case.pk, reason="Settled"), actor=alice)


def test_a_key_that_ended_signs_nothing_more(people: cast.Cast, case: Case, own: FileKey) -> None:
    alice, new = people.alice.actor, FileKey()
    rotate = keyholders.rotating(new, own, party=people.northwind, member=people.alice.member)
    hold = PlaceLegalHold(case=case.pk, reason="Dispute")
    before = sign(own, hold)
    perform(rotate, actor=alice)
    keyring.spread(case.pk, people.northwind)
    assert "no longer in use" in refused("key-unknown", hold, alice, before).sentence
    perform(hold, actor=alice, authorship=sign(new, hold))
    lift = LiftLegalHold(case=case.pk, reason="Settled")
    perform(RevokeKey(party=people.northwind, key=key_id(new.public), reason="Lost"), actor=alice)
    keyring.spread(case.pk, people.northwind)
    refused("key-unknown", lift, alice, sign(new, lift))


def test_a_key_that_the_log_of_the_act_does_not_hold_signs_nothing_in_it(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    close = CloseCase(case=case.pk, reason="Done")
    with pytest.raises(Refused) as caught:
        intents.admit(close, sign(own, close), Known())
    assert caught.value.code == "key-unknown"


def test_a_key_does_not_sign_its_own_end(people: cast.Cast, own: FileKey) -> None:
    revoke = RevokeKey(party=people.northwind, key=key_id(own.public), reason="Lost")
    refused("signature-wrong", revoke, people.alice.actor, sign(own, revoke))
    assert perform(revoke, actor=people.alice.actor).log == HOST_LOG


def test_who_tries_again_gets_the_first_receipt_however_it_is_signed(
    people: cast.Cast, case: Case, own: FileKey
) -> None:
    alice, close = people.alice.actor, CloseCase(case=case.pk, reason="Done")
    first = perform(close, actor=alice, authorship=sign(own, close))
    perform(RevokeKey(party=people.northwind, key=key_id(own.public), reason="Lost"), actor=alice)
    for again in (sign(own, close), None):
        receipt = perform(close, actor=alice, authorship=again)
        assert receipt.replayed
        assert receipt.leaf_hashes == first.leaf_hashes


def test_a_disabled_member_signs_nothing(people: cast.Cast, case: Case, own: FileKey) -> None:
    keyring.spread(case.pk, people.northwind)
    close = CloseCase(case=case.pk, reason="Done")
    alice, signature = people.alice.actor, sign(own, close)
    perform(DisableMember(member=people.alice.member), actor=people.operator)
    refused("member-disabled", close, alice, signature)
    perform(EnableMember(member=people.alice.member), actor=people.operator)
    assert perform(close, actor=alice, authorship=signature).count == 1


def test_keys_of_disabled_members_do_not_let_a_party_ask_for_signatures(
    people: cast.Cast, own: FileKey
) -> None:
    counsel = cast.person(f"cora-{uuid4().hex[:6]}", people.northwind, "counsel", host=people.operator)
    perform(DisableMember(member=people.alice.member), actor=people.operator)
    wanted = RequireSignatures(party=people.northwind, required=True)
    refused("no-signer", wanted, counsel.actor, None)


@pytest.mark.usefixtures("committed_db")
def test_an_end_that_is_being_recorded_comes_first() -> None:
    people = cast.the_cast()
    case, key = cast.joint_case(people), FileKey()
    keyholders.register(key, by=people.alice)
    keyring.spread(case.pk, people.northwind)
    close = CloseCase(case=case.pk, reason="Done")
    alice, signature = people.alice.actor, sign(key, close)

    def act() -> str:
        try:
            perform(close, actor=alice, authorship=signature)
        except Refused as caught:
            return caught.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            # The end as its projection writes it, in the host log's own transaction, not committed yet.
            cursor.execute(
                "UPDATE cases_partykey SET ended_at = now(), ended_why = 'revoked' WHERE id = %s",
                (key_id(key.public),),
            )
            answer = pool.submit(act)
            waiting = 0
            while not waiting and not answer.done():
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone()
        assert answer.result() == "key-unknown"
    assert waiting
    assert reads.case(alice, case.pk).status == "open"
