"""The command line: exit 0 only if all holds, otherwise one sentence a finding."""

import sys
from argparse import ArgumentParser
from functools import partial
from hashlib import file_digest
from pathlib import Path

from verifier.check import BROKEN, Audit, Bundle, check_fraud, compare, compare_mirror, told
from verifier.note import Policy


def rehash(audit: Audit, folder: Path) -> None:
    """The files in a folder against the sealed hashes."""
    files: dict[str, str] = {}
    for path in filter(Path.is_file, folder.rglob("*")):
        with path.open("rb") as file:
            files[file_digest(file, "sha256").hexdigest()] = path.name
    for index, body in audit.history.sealed.items():
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
    for word, these in (("note", audit.notes), ("finding", audit.findings)):
        for index, text in sorted(these, key=lambda one: (one[0] is None, one[0] or 0))[:1000]:
            print(f"{word}: {'' if index is None else f'entry {index}: '}{text}")
    if not audit.findings:
        print(f"All holds: {audit.size} entries of {audit.origin}.")
    return 1 if audit.findings else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 0 only if all holds."""
    parser = ArgumentParser("countersign-verify", description="Check an exported log, offline.")
    flag, path = partial(parser.add_argument, action="store_true"), partial(parser.add_argument, type=Path)
    path("bundle", nargs="?", help="the export: its zip, or the folder in it")
    path("--policy", required=True, help="your own pinned keys and quorum")
    path("--evidence", help="a folder of evidence files to hash again")
    path("--mirror", help="the folder of your witness's mirror of this log")
    path("--against", help="another party's export of the same log")
    path("--proof-to", default=Path("fraud-proof.json"), help="where a proof of fraud goes")
    path("--fraud-proof", help="check a proof of fraud, alone")
    path("--tsa", help="certificates (PEM) of time-stamp authorities that you trust")
    flag("--times", help="the time bounds of every entry, not of runs")
    flag("--allow-pending", help="let the newest entries lack the quorum")
    given = parser.parse_args(arguments)
    try:
        policy, tsa = Policy(given.policy.read_bytes()), given.tsa.read_bytes() if given.tsa else b""
        if given.fraud_proof:
            print(check_fraud(given.fraud_proof.read_bytes(), policy))
            return 0
        audit = Audit(Bundle(given.bundle or Path()), policy, tsa, pending=given.allow_pending)
        if given.evidence:
            audit.trying("evidence: ", rehash, audit, given.evidence)
        if given.mirror:
            audit.trying("mirror: ", compare_mirror, audit, Bundle(given.mirror, strict=False))
        if given.against:
            other = Audit(Bundle(given.against), policy, tsa, pending=given.allow_pending)
            audit.findings += [(index, f"The other bundle: {text}") for index, text in other.findings]
            audit.trying("against: ", compare, audit, other, given.proof_to)
    except BROKEN as error:
        print(f"finding: {told(error)}")
        return 1
    return report(audit, each=given.times)


if __name__ == "__main__":
    sys.exit(main())
