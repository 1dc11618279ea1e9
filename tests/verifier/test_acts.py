"""Keys and signed acts: whoever is not the party, the member or the holder of the key gets nothing in."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases.events import EVENTS
from cases.policy import BINDING
from tests.verifier import maker
from tests.verifier.conftest import Checked
from tests.verifier.maker import (
    ALICE,
    CONTOSO,
    NORTHWIND,
    Log,
    auth_over,
    b64,
    key,
    key_event,
    key_id,
    public,
    register,
    revoke,
    signed_act,
    statement,
)
from verifier.__main__ import main
from verifier.entries import events_of

CAROL = "33333333-3333-4333-8333-333333333333"
Fields = dict[str, Any]


def started() -> Log:
    """A log in which alice of Northwind and carol of Contoso have a key each."""
    log = Log()
    register(log, key("alice"))
    register(log, key("carol"), party=CONTOSO, member=CAROL)
    return log


def done(log: Log) -> dict[str, bytes]:
    log.checkpoint(by=2)
    return log.files()


def close(log: Log, private: Ed25519PrivateKey, **more: Any) -> int:
    """The case is closed by an act signed with this key."""
    return signed_act(log, private, "CloseCase", "CaseClosed", reason="Settled.", **more)


# Keys


def test_keys_that_their_own_parties_registered_rotated_and_revoked_hold(check: Checked) -> None:
    log = started()
    close(log, key("alice"))
    register(log, key("alice2"), old=key("alice"))
    signed_act(log, key("alice2"), "ReopenCase", "CaseReopened", reason="Not settled.")
    revoke(log, key("alice2"))
    register(log, key("alice3"))
    register(log, key("w"), member=None, purpose="witness", name="northwind.example/w")
    register(log, key("w2"), old=key("w"), member=None, purpose="witness", name="northwind.example/w")
    close(log, key("alice3"))
    assert check(done(log)) == (0, [])


@pytest.mark.parametrize("ended", ["rotated", "revoked"])
def test_a_key_that_has_ended_signs_no_more(check: Checked, ended: str) -> None:
    log = started()
    if ended == "rotated":
        register(log, key("alice2"), old=key("alice"))
    else:
        revoke(log, key("alice"))
    at = close(log, key("alice"))
    code, findings = check(done(log))
    assert code == 1
    assert [one[:8] for one in findings] == [f"entry {at}:"]


def test_a_key_does_not_sign_its_own_end(check: Checked) -> None:
    for signer, good in (("alice", False), ("alice3", True)):
        log = started()
        register(log, key("alice3"))
        fields: Fields = {"key": key_id(key("alice")), "party": NORTHWIND, "reason": "Lost."}
        text = maker.intent(log, "RevokeKey", fields)
        event = {**fields, "intent": text, "signed": fields}
        log.add("KeyRevoked", event=event, auth=auth_over(text, key(signer)))
        assert (check(done(log))[0] == 0) is good


def resigned(event: Fields, *, by: str = "new", **told: Any) -> Fields:
    """A key event whose statement says something else, signed again by the new key."""
    text = statement(
        **{name: event[name] for name in ("party", "member", "purpose", "name", "alg", "public")} | told
    )
    return event | {"statement": text, "proof": {"sig": b64(key(by).sign(text.encode()))}}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda event: event | {"key": "a" * 64}, id="id is not the key's hash"),
        pytest.param(lambda event: event | {"key": event["key"].upper()}, id="id in capitals"),
        pytest.param(lambda event: event | {"public": event["public"].upper()}, id="key in capitals"),
        pytest.param(lambda event: event | {"public": public(key("x")).hex()}, id="another public key"),
        pytest.param(lambda event: {n: v for n, v in event.items() if n != "proof"}, id="no proof"),
        pytest.param(lambda event: {n: v for n, v in event.items() if n != "statement"}, id="no statement"),
        pytest.param(lambda event: event | {"proof": {}}, id="empty proof"),
        pytest.param(lambda event: event | {"proof": {"sig": b64(bytes(64))}}, id="wrong proof"),
        pytest.param(lambda event: resigned(event, by="mallory"), id="proof by another key"),
        pytest.param(lambda event: resigned(event, party=CONTOSO), id="statement of another party"),
        pytest.param(lambda event: resigned(event, host="example.net"), id="statement for another host"),
        pytest.param(lambda event: resigned(event, purpose="witness"), id="statement for another purpose"),
        pytest.param(lambda event: resigned(event, member=CAROL), id="statement of another member"),
        pytest.param(lambda event: resigned(event, name="x"), id="statement under another name"),
        pytest.param(lambda event: resigned(event, replaces="a" * 64), id="statement of a rotation"),
        pytest.param(lambda event: resigned(event, more=1), id="statement that says more"),
        pytest.param(
            lambda event: event | {"statement": event["statement"] + " "}, id="statement with a blank"
        ),
        pytest.param(lambda event: resigned(event | {"alg": "webauthn"}), id="a passkey that is none"),
        pytest.param(lambda event: resigned(event | {"alg": "rsa"}), id="unknown kind of key"),
        pytest.param(lambda event: resigned(event | {"purpose": "witness"}), id="witness that is a member"),
        pytest.param(lambda event: resigned(event | {"member": None}), id="member's key of nobody"),
        pytest.param(lambda event: resigned(event | {"purpose": "host"}), id="unknown purpose"),
        pytest.param(lambda event: key_event(key("alice")), id="a key a second time"),
        pytest.param(lambda event: key_event(key("new"), party=CONTOSO), id="a key of another party"),
        pytest.param(lambda event: event | {"party": CONTOSO}, id="for another party than the statement"),
    ],
)
def test_what_is_no_registration(check: Checked, change: Callable[[Fields], Fields]) -> None:
    log, good = started(), key_event(key("new"))
    at = log.add("KeyRegistered", event=good)
    assert check(done(log)) == (0, [])
    log = started()
    log.add("KeyRegistered", event=change(good))
    code, findings = check(done(log))
    assert code == 1
    assert findings[0].startswith(f"entry {at}:")


def test_a_foreign_party_registers_no_key_for_another(check: Checked) -> None:
    log = started()
    at = log.add("KeyRegistered", party=CONTOSO, event=key_event(key("mallory")))
    later = close(log, key("mallory"))
    code, findings = check(done(log))
    assert code == 1
    assert [one[:8] for one in findings] == [f"entry {at}:", f"entry {later}:"]


def rotated(**changed: Any) -> Fields:
    """Alice's key replaced by a new one, with this changed."""
    return key_event(key("new"), old=key("alice")) | changed


def sig(private: Ed25519PrivateKey, event: Fields) -> dict[str, str]:
    return {"sig": b64(private.sign(event["statement"].encode()))}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(lambda: rotated(old_proof={}), id="old key did not sign"),
        pytest.param(lambda: rotated(old_proof=rotated()["proof"]), id="new key signed twice"),
        pytest.param(lambda: rotated(old_proof=sig(key("mallory"), rotated())), id="a stranger signed"),
        pytest.param(lambda: rotated(proof=rotated()["old_proof"]), id="old key signed twice"),
        pytest.param(lambda: rotated(replaces=key_id(key("carol"))), id="replaces another key than it says"),
        pytest.param(lambda: rotated(**key_event(key("new"))), id="statement of a registration"),
        pytest.param(
            lambda: {n: v for n, v in rotated().items() if n not in ("statement", "proof", "old_proof")},
            id="nobody signed",
        ),
        pytest.param(lambda: key_event(key("new"), old=key("carol")), id="a key of another party"),
        pytest.param(lambda: key_event(key("new"), old=key("alice"), party=CONTOSO), id="by another party"),
        pytest.param(lambda: key_event(key("new"), old=key("alice"), member=CAROL), id="another member"),
        pytest.param(
            lambda: key_event(key("new"), old=key("alice"), member=None, purpose="witness"),
            id="other purpose",
        ),
        pytest.param(lambda: key_event(key("new"), old=key("unknown")), id="a key that is not registered"),
        pytest.param(lambda: key_event(key("alice"), old=key("alice")), id="a key by itself"),
    ],
)
def test_what_is_no_rotation(check: Checked, event: Callable[[], Fields]) -> None:
    """And the old key stays good, the new one never becomes it."""
    log = started()
    at = log.add("KeyRotated", event=event())
    close(log, key("alice"))
    later = close(log, key("new"))
    code, findings = check(done(log))
    assert code == 1
    assert [one[:8] for one in findings] == [f"entry {at}:", f"entry {later}:"]


def test_a_foreign_party_rotates_no_key_of_another(check: Checked) -> None:
    for event in (
        key_event(key("mallory"), old=key("alice")),
        key_event(key("mallory"), old=key("alice"), party=CONTOSO, member=CAROL),
    ):
        log = started()
        at = log.add("KeyRotated", party=CONTOSO, event=event)
        close(log, key("alice"))
        code, findings = check(done(log))
        assert code == 1
        assert [one[:8] for one in findings] == [f"entry {at}:"]


@pytest.mark.parametrize("again", ["rotated", "revoked"])
def test_a_key_is_replaced_and_ended_once(check: Checked, again: str) -> None:
    log = started()
    register(log, key("new"), old=key("alice"))
    at = len(log.leaves)
    _ = revoke(log, key("alice")) if again == "revoked" else register(log, key("new2"), old=key("alice"))
    code, findings = check(done(log))
    assert code == 1
    assert [one[:8] for one in findings] == [f"entry {at}:"]


@pytest.mark.parametrize(("leaf", "named"), [(CONTOSO, NORTHWIND), (NORTHWIND, CONTOSO), (CONTOSO, CONTOSO)])
def test_a_foreign_party_revokes_no_key_of_another(check: Checked, leaf: str, named: str) -> None:
    log = started()
    fields = {"key": key_id(key("alice")), "party": named, "reason": "Ours now."}
    at = log.add("KeyRevoked", party=leaf, event=fields)
    close(log, key("alice"))
    code, findings = check(done(log))
    assert code == 1
    assert [one[:8] for one in findings] == [f"entry {at}:"]


def test_no_party_takes_a_signature_back(check: Checked) -> None:
    log = started()
    close(log, key("alice"))
    fields = {"key": key_id(key("alice")), "party": NORTHWIND, "reason": "Never ours.", "at_size": 0}
    log.add("KeyRevoked", event=fields)
    assert check(done(log)) == (0, [])


# Acts


@pytest.mark.parametrize(
    ("command", "events"),
    [
        ("CloseCase", "CaseClosed ClosingProposed"),
        ("ReopenCase", "CaseReopened"),
        ("DiscloseEvidence", "EvidenceDisclosed"),
        ("OfferShare", "ShareOffered"),
        ("AcceptShare", "ShareAccepted"),
        ("ChangeShare", "ShareTermsChanged"),
        ("RevokeShare", "ShareRevoked"),
        ("AddParty", "PartyAdded PartyProposed"),
        ("ConsentToParty", "PartyConsented"),
        ("ObjectToParty", "PartyObjected"),
        ("AgreeToClose", "ClosingAgreed"),
        ("DissentFromClosing", "ClosingDissented"),
        ("OfferLead", "LeadOffered"),
        ("AcceptLead", "LeadAccepted"),
        ("RefuseLead", "LeadRefused"),
        ("WithdrawProposal", "ProposalWithdrawn"),
        ("LeaveCase", "PartyLeft"),
        ("PlaceLegalHold", "LegalHoldPlaced"),
        ("LiftLegalHold", "LegalHoldLifted"),
        ("RevokeKey", "KeyRevoked"),
        ("RequireSignatures", "SignaturesRequired"),
        ("AcceptCustodyTransfer", "CustodyTransferAccepted"),
        ("OfferCustodyTransfer", "CustodyTransferOffered"),
        ("RefuseCustodyTransfer", "CustodyTransferRefused"),
        ("ReleaseEvidence", "EvidenceReleased"),
        ("ProposeDisposal", "DisposalProposed"),
        ("DisposeEvidence", "EvidenceDisposed"),
        ("SendReferral", "ReferralSent"),
        ("AcceptReferral", "ReferralAccepted"),
    ],
)
def test_a_command_is_recorded_as_these_events(command: str, events: str) -> None:
    assert events_of(command) == tuple(events.split())


def test_whatever_a_member_may_sign_has_its_event() -> None:
    """Otherwise an honest signed act would be a finding."""
    assert {command for command in BINDING if not EVENTS.keys() >= set(events_of(command))} == set()


@pytest.mark.parametrize(
    "command",
    ["", "Close", "closeCase", "CloseCas", "CloseCaseX", "CloseCase ", "CloseCase\n", "Close-Case",
     "CaseClose", "ReopenCase", "CloseCaseCase", "XCloseCase", "CaseClosed"],
)  # fmt: skip
def test_no_other_command_is_turned_into_it(command: str) -> None:
    assert "CaseClosed" not in events_of(command)


def act(change: Callable[[Fields, Fields], None], *, by: str = "alice") -> Log:
    """A log whose one signed act was changed before it was recorded."""
    log = started()
    fields: Fields = {"reason": "Settled."}
    text = maker.intent(log, "CloseCase", fields)
    auth = auth_over(text, key(by))
    entry: Fields = {"kind": "CaseClosed", "party": NORTHWIND, "intent": text, "signed": fields, **fields}
    change(auth, entry)
    log.add(entry.pop("kind"), party=entry.pop("party"), auth=auth, event=entry)
    return log


def resign(auth: Fields, entry: Fields, old: str = "", new: str = "", *, by: str = "alice") -> None:
    """Sign another intent."""
    entry["intent"] = text = entry["intent"].replace(old, new)
    auth |= auth_over(text, key(by)) | {"key": auth["key"]}


def content(auth: Fields, entry: Fields, signed: Any, **more: Any) -> None:
    """Sign other fields than the entry says, which says more."""
    entry |= more
    old = sha256(maker.jcs(entry["signed"])).hexdigest()
    entry["signed"] = signed
    resign(auth, entry, old, sha256(maker.jcs(signed)).hexdigest())


@pytest.mark.parametrize(
    ("change", "good"),
    [
        (lambda auth, entry: None, True),
        (lambda auth, entry: resign(auth, entry, by="mallory"), False),
        (lambda auth, entry: entry.update(reason="Not settled."), False),
        (lambda auth, entry: entry.update(more=1), True),
        (lambda auth, entry: entry.update(signed={"reason": "Not settled."}), False),
        (lambda auth, entry: content(auth, entry, {"reason": "Not settled."}), False),
        (lambda auth, entry: content(auth, entry, {"reason": "Settled.", "until": 5}), True),
        (lambda auth, entry: content(auth, entry, {"until": True}, until=1), False),
        (lambda auth, entry: content(auth, entry, ["reason"]), False),
        (lambda auth, entry: content(auth, entry, None), False),
        (lambda auth, entry: content(auth, entry, {}), True),
        (lambda auth, entry: entry.pop("signed"), False),
        (lambda auth, entry: entry.pop("intent"), False),
        (lambda auth, entry: entry.update(kind="CaseReopened"), False),
        (lambda auth, entry: entry.update(kind="PartyAdded"), False),
        (lambda auth, entry: entry.update(party=CONTOSO), False),
        (lambda auth, entry: entry.update(actor={"kind": "member", "member": CAROL}), False),
        (lambda auth, entry: entry.update(actor={"kind": "member", "member": None}), False),
        (lambda auth, entry: entry.update(actor={}), False),
        (lambda auth, entry: entry.update(intent="{}"), False),
        (lambda auth, entry: entry.update(intent=7), False),
        (lambda auth, entry: auth.update(key=key_id(key("carol"))), False),
        (lambda auth, entry: auth.update(key="a1"), False),
        (lambda auth, entry: auth.update(key="a" * 64), False),
        (lambda auth, entry: auth.update(alg="webauthn"), False),
        (lambda auth, entry: auth.update(alg="rsa"), False),
        (lambda auth, entry: auth.update(intent="a" * 64), False),
        (lambda auth, entry: auth.update(sig="AAAA"), False),
        (lambda auth, entry: auth.update(sig="?"), False),
        (lambda auth, entry: auth.update(more="x"), False),
        (lambda auth, entry: auth.update(sig=7), False),
        (lambda auth, entry: auth.clear() or auth.update(key="a1"), False),
        (lambda auth, entry: resign(auth, entry, "CloseCase", "ReopenCase"), False),
        (lambda auth, entry: resign(auth, entry, "example.org", "example.net"), False),
        (lambda auth, entry: resign(auth, entry, "000002", "000003"), False),
        (lambda auth, entry: resign(auth, entry, "intent/v1", "intent/v2"), False),
        (lambda auth, entry: resign(auth, entry, "}", ',"more":1}'), False),
        (lambda auth, entry: resign(auth, entry, ",", ", "), False),
        (lambda auth, entry: resign(auth, entry, "10:00:00.000000Z", "10:07:00.000000Z"), True),
        (lambda auth, entry: resign(auth, entry, "10:00:00.000000Z", "11:00:00.000000Z"), False),
        (lambda auth, entry: resign(auth, entry, "02-08T10", "02-07T11"), True),
        (lambda auth, entry: resign(auth, entry, "02-08T10", "02-07T09"), False),
        (lambda auth, entry: resign(auth, entry, "2026-02-08T10:00:00.000000Z", "today"), False),
        (lambda auth, entry: resign(auth, entry, "00.000000Z", "00.000000"), False),
    ],
)
def test_a_signed_act_is_bound_to_its_entry(
    check: Checked, change: Callable[..., None], *, good: bool
) -> None:
    code, findings = check(done(act(change)))
    assert (code == 0) is good
    assert good or findings[0].startswith("entry 2:")


def test_one_signature_stands_on_one_entry(check: Checked) -> None:
    log = started()
    fields = {"reason": "Settled."}
    text = maker.intent(log, "CloseCase", fields)
    event = {**fields, "intent": text, "signed": fields, "command": f"00000000-0000-4000-8000-{2:012}"}
    for _ in range(2):
        log.add("CaseClosed", auth=auth_over(text, key("alice")), event=event)
    code, findings = check(done(log))
    assert code == 1
    assert [one[:8] for one in findings] == ["entry 3:"]


def test_a_second_event_of_the_same_command_carries_no_signature(check: Checked) -> None:
    log = started()
    close(log, key("alice"))
    text = maker.intent(log, "CloseCase", {"reason": "Settled."}, index=2)
    command = f"00000000-0000-4000-8000-{2:012}"
    log.add("LegalHoldLifted", event={"command": command})
    assert check(done(log)) == (0, [])
    event = {"command": command, "intent": text, "signed": {"reason": "Settled."}}
    log.add("LegalHoldLifted", auth=auth_over(text, key("alice")), event=event)
    code, findings = check(done(log))
    assert code == 1
    assert findings[0].startswith("entry 4:")


def test_a_witness_key_signs_no_act(check: Checked) -> None:
    log = started()
    register(log, key("w"), member=None, purpose="witness", name="northwind.example/w")
    for actor in ({"kind": "member", "member": ALICE}, {"kind": "member", "member": None}):
        text = maker.intent(log, "CloseCase", {"reason": "x"})
        event = {"reason": "x", "intent": text, "signed": {"reason": "x"}, "actor": actor}
        log.add("CaseClosed", auth=auth_over(text, key("w")), event=event)
    code, findings = check(done(log))
    assert (code, len(findings)) == (1, 2)


def test_an_act_that_is_not_shown_whole_is_no_finding_and_does_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = started()
    fields = {"reason": "Settled."}
    text = maker.intent(log, "CloseCase", fields)
    event = {**fields, "intent": text, "signed": fields}
    log.add("CaseClosed", auth=auth_over(text, key("alice")), event=event, hide=("reason", "signed"))
    bundle = maker.write(done(log), tmp_path / "b")
    (tmp_path / "p").write_text(log.policy())
    assert main([str(bundle), "--policy", str(tmp_path / "p")]) == 0
    assert "1 acts are signed by members; 0 of them are shown and hold" in capsys.readouterr().out


# Pins


def pinned(*names: str, party: str = NORTHWIND) -> str:
    """The policy of somebody who pins keys."""
    return Log().policy() + "".join(f"#key {key_id(key(name))} {party}\n" for name in names)


def test_pinned_keys(check: Checked) -> None:
    log = started()
    close(log, key("alice"))
    register(log, key("alice2"), old=key("alice"))
    at = signed_act(log, key("alice2"), "ReopenCase", "CaseReopened", reason="No.")
    files = done(log)
    for names in (("alice",), ("alice", "alice2"), ("alice", "unknown")):
        assert check(files, policy=pinned(*names)) == (0, [])
    code, findings = check(files, policy=pinned("alice2"))
    assert code == 1
    assert [one[:8] for one in findings] == ["entry 2:"]
    code, findings = check(files, policy=pinned("unknown"))
    assert [one[:8] for one in findings] == ["entry 2:", f"entry {at}:"]
    assert check(files, policy=pinned("carol", party=CONTOSO)) == (0, [])  # of whom nothing is pinned: a note


def test_a_key_that_the_host_invented_is_found_by_the_pins(check: Checked) -> None:
    """The host can register any key in a party's name; only what the party told by another way shows it."""
    log = started()
    register(log, key("host's own"))
    at = close(log, key("host's own"))
    files = done(log)
    assert check(files) == (0, [])
    code, findings = check(files, policy=pinned("alice"))
    assert code == 1
    assert [one[:8] for one in findings] == [f"entry {at}:"]


def test_a_pinned_key_is_of_the_party_that_the_policy_says(check: Checked) -> None:
    code, findings = check(done(started()), policy=pinned("alice", party=CONTOSO))
    assert code == 1
    assert findings[0].startswith("entry 0:")


def test_the_note_says_how_many_signatures_rest_on_the_ledgers_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = started()
    close(log, key("alice"))
    close(log, key("carol"), party=CONTOSO, actor={"kind": "member", "member": CAROL})
    bundle = maker.write(done(log), tmp_path / "b")
    for names, count in (((), 2), (("alice",), 1)):
        (tmp_path / "p").write_text(pinned(*names))
        assert main([str(bundle), "--policy", str(tmp_path / "p")]) == 0
        assert f"2 of them are shown and hold, {count} by keys" in capsys.readouterr().out
