"""The command line: exit 0 only if all holds, otherwise one sentence a finding."""

import sys
from argparse import ArgumentParser
from hashlib import file_digest
from pathlib import Path

from verifier.bundle import BROKEN, Bundle, told
from verifier.check import Audit
from verifier.note import parse_policy
from verifier.split import check_fraud, compare, compare_mirror

OPTIONS = {
    "--evidence": "a folder of evidence files to hash again",
    "--mirror": "the folder of your witness's mirror of this log",
    "--against": "another party's export of the same log",
    "--proof-to": "where a proof of fraud goes (fraud-proof.json)",
    "--fraud-proof": "check a proof of fraud, alone",
    "--tsa": "certificates (PEM) of time-stamp authorities that you trust",
}


def rehash(audit: Audit, folder: Path) -> None:
    """The files in a folder against the sealed hashes."""
    files: dict[str, str] = {}
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        with path.open("rb") as file:
            files[file_digest(file, "sha256").hexdigest()] = path.name
    for index, body in audit.sealed.items():
        name, found = str(body.get("filename")), body.get("sha256") in files
        word = "found" if found else "differs" if name in files.values() else "missing"
        print(f"evidence of entry {index}: {word}, {name!r}")
        if not found:
            audit.findings.append((index, f"The file {name!r} is not in the folder as sealed: {word}."))


def report(audit: Audit, *, each: bool) -> int:
    """Time bounds, notes and findings, by index; the exit code."""
    for start, end, after, by in audit.bounds():
        for at in range(start, end) if each else [start]:
            run = f"entry {at}" if each or end - at == 1 else f"entries {at} to {end - 1}"
            print(f"{run}: after {after or 'any time'}, by {by or 'nobody yet'}")
    for note in audit.notes:
        print(f"note: {note}")
    for index, text in sorted(audit.findings, key=lambda one: (one[0] is None, one[0] or 0))[:1000]:
        print(f"finding: {'' if index is None else f'entry {index}: '}{text}")
    if not audit.findings:
        print(f"All holds: {audit.size} entries of {audit.origin}.")
    return 1 if audit.findings else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 0 only if all holds."""
    parser = ArgumentParser("countersign-verify", description="Check an exported log, offline.")
    parser.add_argument("bundle", type=Path, nargs="?", help="the export: its zip, or the folder in it")
    parser.add_argument("--policy", type=Path, required=True, help="your own pinned keys and quorum")
    parser.add_argument("--times", action="store_true", help="the time bounds of every entry, not of runs")
    parser.add_argument("--allow-pending", action="store_true", help="let the newest entries lack the quorum")
    for name, about in OPTIONS.items():
        parser.add_argument(name, type=Path, help=about)
    given = parser.parse_args(arguments)
    try:
        policy, tsa = parse_policy(given.policy.read_bytes()), given.tsa.read_bytes() if given.tsa else b""
        if given.fraud_proof:
            print(check_fraud(given.fraud_proof.read_bytes(), policy))
            return 0
        audits = [
            Audit(Bundle(one), policy, tsa, pending=given.allow_pending)
            for one in (given.bundle or Path(), given.against)
            if one
        ]
        for audit in audits:
            audit.run()
        audit, *others = audits
        if given.evidence:
            audit.trying("evidence: ", rehash, audit, given.evidence)
        if given.mirror:
            audit.trying("mirror: ", compare_mirror, audit, Bundle(given.mirror, strict=False))
        for other in others:
            audit.findings += [(index, f"The other bundle: {text}") for index, text in other.findings]
            audit.trying("against: ", compare, audit, other, given.proof_to or Path("fraud-proof.json"))
    except BROKEN as error:
        print(f"finding: {told(error)}")
        return 1
    return report(audit, each=given.times)


if __name__ == "__main__":
    sys.exit(main())
