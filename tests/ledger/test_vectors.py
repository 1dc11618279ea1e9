"""The stored vectors hold, and are what the code makes today: no byte of the ledger changes by accident."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ledger import authorship, commitments, cosigning, jcs, leaf, merkle, signing
from ledger.authorship import Signature
from ledger.errors import NotCanonical
from tests.ledger.make_vectors import ALL, VECTORS, salts, text


def stored(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="ascii"))


@pytest.mark.parametrize("name", ALL)
def test_the_stored_vectors_are_what_the_code_makes(name: str) -> None:
    assert (VECTORS / f"{name}.json").read_text(encoding="ascii") == text(name)


def test_every_step_of_an_entry_can_be_retraced() -> None:
    log = stored("entries")
    hashes = []
    for index, entry in enumerate(log["entries"]):
        digests = {
            name: commitments.field_digest(bytes.fromhex(salt), name, entry["body"][name])
            for name, salt in entry["salts"].items()
        }
        assert {name: digest.hex() for name, digest in digests.items()} == entry["field_digests"]
        sealed = leaf.parse(entry["leaf"].encode())
        assert sealed.commit == commitments.commit_digests(digests.values()) == bytes.fromhex(entry["commit"])
        assert (sealed.index, sealed.log) == (index, log["origin"])
        hashes.append(merkle.leaf_hash(entry["leaf"].encode()))
        assert hashes[-1].hex() == entry["leaf_hash"]
        signed = signing.verify_checkpoint(
            log["checkpoints"][index], name=log["origin"], public=bytes.fromhex(log["public_key"])
        )
        assert (signed.size, signed.root) == (index + 1, merkle.root_of_leaves(hashes))


def test_every_proof_in_the_vectors_verifies() -> None:
    tree = stored("merkle")
    hashes, roots = ([bytes.fromhex(one) for one in tree[name]] for name in ("leaf_hashes", "roots"))
    for case in tree["inclusion"]:
        proof = [bytes.fromhex(one) for one in case["proof"]]
        merkle.verify_inclusion(
            case["index"], case["size"], hashes[case["index"]], proof, roots[case["size"]]
        )
    for case in tree["consistency"]:
        proof = [bytes.fromhex(one) for one in case["proof"]]
        merkle.verify_consistency(
            case["size1"], case["size2"], proof, roots[case["size1"]], roots[case["size2"]]
        )


def test_canonical_values_in_the_vectors() -> None:
    vectors = stored("jcs")
    for case in vectors["canonical"]:
        assert jcs.canonical(case["value"]).hex() == case["hex"]
        assert jcs.parse(bytes.fromhex(case["hex"])) == case["value"]
    for outside in vectors["outside"]:
        with pytest.raises(NotCanonical):
            jcs.parse(outside.encode())


def test_the_worked_example_in_the_docs_is_the_vector() -> None:
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    log, tree = stored("entries"), merkle.root_of_leaves
    hashes = [bytes.fromhex(one["leaf_hash"]) for one in log["entries"]]
    example = log["entries"][3]
    quoted = [log["vkey"], log["checkpoints"][4], example["leaf"], example["commit"], tree(hashes[:3]).hex()]
    quoted += [one.hex() for one in hashes]
    quoted += [tree(hashes[start:end]).hex() for start, end in merkle.inclusion_ranges(3, 5)]
    quoted += [*example["salts"].values(), *example["field_digests"].values()]
    assert [text for text in quoted if text.rstrip() not in page] == []
    assert jcs.parse(jcs.canonical(json.loads(page.split("```json\n")[1].split("```")[0]))) == example["body"]
    order = sorted(example["field_digests"], key=example["field_digests"].__getitem__)
    assert order == ["actor", "schema", "purpose", "command", "stream", "type", "lines", "version"]


def test_the_witnessed_vectors_verify() -> None:
    log, witnessed = stored("entries"), stored("witnessed")
    key = cosigning.parse_vkey(witnessed["witness_vkey"])
    note = signing.verify_checkpoint(
        witnessed["cosigned_note"], name=log["origin"], public=bytes.fromhex(log["public_key"])
    )
    (found,) = cosigning.verified(note.text, note.signatures, [key])
    message = cosigning.cosigned_message(note.text, found.timestamp)
    assert message.decode() == witnessed["cosigned_message"]
    assert witnessed["cosigned_note"] == log["checkpoints"][4] + found.line
    head, _, receipt = witnessed["tlog_proof"].partition("\n\n")
    proof = [base64.b64decode(line) for line in head.split("\n")[2:]]
    assert receipt == witnessed["cosigned_note"]
    leaf_hash = bytes.fromhex(log["entries"][3]["leaf_hash"])
    merkle.verify_inclusion(3, note.size, leaf_hash, proof, note.root)
    erased = witnessed["erased"]
    digests = [
        commitments.field_digest(bytes.fromhex(salt), name, value)
        for name, (salt, value) in erased["fields"].items()
    ]
    digests += [bytes.fromhex(digest) for digest in erased["erased"].values()]
    assert commitments.commit_digests(digests).hex() == log["entries"][3]["commit"]


def test_the_cosigned_note_in_the_docs_is_the_vector() -> None:
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    witnessed = stored("witnessed")
    assert witnessed["witness_vkey"] in page
    assert witnessed["cosigned_message"] in page
    assert witnessed["tlog_proof"] in page


def test_every_signature_in_the_vectors_holds() -> None:
    told = stored("signed")
    public = {one["key"]: bytes.fromhex(one["public"]) for one in told["keys"]}
    for one in told["keys"]:
        said = jcs.parse(one["statement"].encode())
        assert isinstance(said, dict)
        assert authorship.key_id(public[one["key"]]) == one["key"]
        authorship.verify(
            str(said["alg"]), public[one["key"]], one["statement"].encode(), Signature(**one["proof"])
        )
        if (replaces := said["replaces"]) is not None:
            old = public[str(replaces)]
            authorship.verify("ed25519", old, one["statement"].encode(), Signature(**one["old_proof"]))
    for act in told["acts"]:
        body, sealed = act["body"], leaf.parse(act["leaf"].encode())
        auth: Any = sealed.auth
        assert commitments.commit_body(body, salts(sealed.index, len(body))) == sealed.commit
        assert merkle.leaf_hash(act["leaf"].encode()).hex() == act["leaf_hash"]
        passkey = {name: body[name] for name in ("authenticator_data", "client_data") if name in body}
        signature = Signature(auth["sig"], **passkey)
        authorship.verify(auth["alg"], public[auth["key"]], body["intent"].encode(), signature)


def test_the_signed_act_in_the_docs_is_the_vector() -> None:
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    told = stored("signed")
    (key, passkey), (act, _) = told["keys"], told["acts"]
    quoted = [key["key"], key["statement"], key["proof"]["sig"], passkey["key"]]
    quoted += [act["body"]["intent"], act["leaf"], act["leaf_hash"]]
    assert [text for text in quoted if text not in page] == []
