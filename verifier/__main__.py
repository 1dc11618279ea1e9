"""The command line: exit 0 only if all holds, otherwise one sentence a finding."""

import argparse
import sys
from hashlib import file_digest
from pathlib import Path

from verifier.bundle import BROKEN, Bundle
from verifier.check import Audit
from verifier.note import parse_policy
from verifier.split import check_fraud, compare, compare_mirror


def rehash(audit: Audit, folder: Path) -> None:
    """The files in a folder against the sealed hashes."""
    files: dict[str, list[str]] = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        with path.open("rb") as file:
            files.setdefault(file_digest(file, "sha256").hexdigest(), []).append(path.name)
    names = {name for found in files.values() for name in found}
    for index, body in audit.sealed.items():
        name, found = str(body.get("filename")), files.get(str(body.get("sha256")), [])
        print(
            f"evidence of entry {index}: {'found' if found else 'differs' if name in names else 'missing'}, {name!r}"
        )
        if not found:
            word = "another content than was sealed" if name in names else "no file with the sealed content"
            audit.findings.append((index, f"For {name!r} the folder holds {word}."))


def check(given: argparse.Namespace) -> Audit:
    """The whole check that the command line asks for."""
    policy, tsa = parse_policy(given.policy.read_bytes()), given.tsa.read_bytes() if given.tsa else b""
    audit = Audit(Bundle(given.bundle), policy, tsa, pending=given.allow_pending)
    audit.run()
    if given.evidence:
        audit.trying("evidence", rehash, audit, given.evidence)
    if given.mirror:
        audit.trying("mirror", lambda: compare_mirror(audit, Bundle(given.mirror, strict=False)))
    if given.against:
        other = Audit(Bundle(given.against), policy, tsa, pending=given.allow_pending)
        other.run()
        audit.findings += [(index, f"The other bundle: {text}") for index, text in other.findings]
        audit.trying("against", compare, audit, other, given.proof_to)
    return audit


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 0 only if all holds."""
    parser = argparse.ArgumentParser("countersign-verify", description="Check an exported log, offline.")
    parser.add_argument("bundle", type=Path, nargs="?", help="the export: its zip, or the folder in it")
    parser.add_argument("--policy", type=Path, required=True, help="your own pinned keys and quorum")
    parser.add_argument("--evidence", type=Path, help="a folder of evidence files to hash again")
    parser.add_argument("--mirror", type=Path, help="the folder of your witness's mirror of this log")
    parser.add_argument("--against", type=Path, help="another party's export of the same log")
    parser.add_argument(
        "--proof-to", type=Path, default=Path("fraud-proof.json"), help="where a proof of fraud goes"
    )
    parser.add_argument("--fraud-proof", type=Path, help="check a proof of fraud, alone")
    parser.add_argument(
        "--tsa", type=Path, help="certificates (PEM) of time-stamp authorities that you trust"
    )
    parser.add_argument(
        "--times", action="store_true", help="the time bounds of every entry, not of runs of them"
    )
    parser.add_argument("--allow-pending", action="store_true", help="let the newest entries lack the quorum")
    given = parser.parse_args(arguments)
    try:
        if given.fraud_proof:
            print(check_fraud(given.fraud_proof.read_bytes(), parse_policy(given.policy.read_bytes())))
            return 0
        if not given.bundle:
            parser.error("Name a bundle, or a proof by --fraud-proof.")
        audit = check(given)
    except BROKEN as error:
        print(f"finding: {error}")
        return 1
    for start, end, after, by in audit.bounds():
        for at in range(start, end) if given.times else [start]:
            run = f"entry {at}" if given.times or end - at == 1 else f"entries {at} to {end - 1}"
            print(f"{run}: after {after or 'any time'}, by {by or 'nobody yet'}")
    for note in audit.notes:
        print(f"note: {note}")
    order = sorted(audit.findings, key=lambda found: (found[0] is None, found[0] or 0))
    for index, text in order[:1000]:
        print(f"finding: {'' if index is None else f'entry {index}: '}{text}")
    if not audit.findings:
        print(f"All holds: {audit.size} entries of {audit.origin}.")
    return 1 if audit.findings else 0


if __name__ == "__main__":
    sys.exit(main())
