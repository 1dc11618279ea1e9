"""After the storm: what the writers hold in their hands against what the host has, by every means at hand."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from tests.cluster import REPO
from tests.faults.writers import Ack, Company, Seat
from tests.stack import Stack
from verifier.merkle import VerificationError, push, root_of_peaks
from verifier.note import LOG, Key, parse_note

# Read by members: nobody sent a command for it, and a read that was asked twice is two reads.
READS = "EvidenceExamined"


def findings(
    stack: Stack, company: Company, acks: list[Ack], before: set[UUID], folder: Path
) -> Iterator[tuple[str, str]]:
    """(which check, what it found), for every check that does not hold; `before` are the commands that made
    the cases."""
    by_case: dict[str, list[Ack]] = defaultdict(list)
    for ack in acks:
        by_case[ack.case].append(ack)
    origins = {seat.case: seat.origin for seat in company.seats}
    for case in company.cases:
        key = Key(origins[case], LOG, bytes.fromhex(company.host_key))
        yield from _receipts(stack, case, key, by_case[case])
    yield from _once(stack, company, acks, before)
    verified = stack.manage("verify", check=False)
    if verified.returncode != 0:
        yield "verify", verified.stdout + verified.stderr[-2000:]
    for seat in company.seats:
        if seat.part:  # the others were only proposed: nothing of the case is theirs
            yield from _bundle(stack, seat, company.host_key, folder)


def commands_of_members(stack: Stack, company: Company) -> Counter[UUID]:
    """How many entries each command of a member has in the cases' logs; reads apart."""
    rows = stack.ask(
        "SELECT command, count(*) FROM ledger_opening WHERE log = ANY(%s::uuid[]) AND type <> %s "
        "AND body->'actor'->>'kind' = 'member' GROUP BY command",
        company.cases,
        READS,
    )
    return Counter(dict(rows))


def _receipts(stack: Stack, case: str, key: Key, acks: list[Ack]) -> Iterator[tuple[str, str]]:
    """Every receipt's entries stand where it says; every checkpoint is one of this very log; no gaps."""
    rows = stack.ask('SELECT "index", leaf_hash FROM ledger_entry WHERE log = %s ORDER BY "index"', case)
    hashes = [bytes(row[1]).hex() for row in rows]
    if [row[0] for row in rows] != list(range(len(rows))):
        yield "dense", f"The indexes of {case} are not 0 to {len(rows) - 1}."
    (size,) = stack.ask("SELECT size FROM ledger_head WHERE log = %s", case)[0]
    if size != len(rows):
        yield "dense", f"The head of {case} says {size}, and there are {len(rows)} entries."
    roots, peaks = dict[int, bytes](), list[bytes]()
    for index, hashed in enumerate(hashes):
        push(peaks, index, bytes.fromhex(hashed))
        roots[index + 1] = root_of_peaks(peaks)
    taken = Counter[int]()
    for ack in acks:
        end = ack.index + len(ack.leaf_hashes)
        taken.update(range(ack.index, end))
        if tuple(hashes[ack.index : end]) != ack.leaf_hashes:
            yield "lost", f"{ack.kind} {ack.command} of {case} is not at entry {ack.index}."
        try:
            note = parse_note(ack.checkpoint.encode())
            signed = bool(note.signers([key]))
        except (VerificationError, ValueError) as error:
            yield "checkpoint", f"The checkpoint of {ack.command} does not hold: {error}"
            continue
        if not signed or note.size != ack.size or note.root != roots.get(note.size):
            yield "checkpoint", f"The checkpoint of {ack.command} at {ack.size} is not of this log {case}."
    twice = [index for index, count in taken.items() if count > 1]
    if twice:
        yield "twice", f"Two receipts of {case} name the same entries {twice[:5]}."


def _once(stack: Stack, company: Company, acks: list[Ack], before: set[UUID]) -> Iterator[tuple[str, str]]:
    """Each command has one set of entries, and no member's entry stands there that nobody asked for."""
    wanted = {ack.command: len(ack.leaf_hashes) for ack in acks}
    if len(wanted) != len(acks):
        yield "twice", f"{len(acks) - len(wanted)} commands have two receipts."
    found = commands_of_members(stack, company)
    for command, count in wanted.items():
        if found[command] != count:
            yield "twice", f"Command {command} has {found[command]} entries, and its receipt names {count}."
    extra = found.keys() - wanted.keys() - before
    if extra:
        yield "unasked", f"{len(extra)} commands are in the logs that were never acknowledged: {[*extra][:3]}"


def _bundle(stack: Stack, seat: Seat, host_key: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The party's own export, checked by the verifier as a program of its own, with the host's key pinned."""
    request = urllib.request.Request(
        f"{stack.url}/api/v1/cases/{seat.case}/ledger/export",
        headers={"Authorization": f"Bearer {seat.token}"},
    )
    bundle = folder / f"{seat.case}-{seat.party}.zip"
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            bundle.write_bytes(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        yield "bundle", f"The export of {seat.case} for {seat.party} was answered {error.code}."
        return
    policy = folder / f"{seat.case}.policy"
    policy.write_text(f"log {Key(seat.origin, LOG, bytes.fromhex(host_key)).vkey}\nquorum none\n")
    done = subprocess.run(
        [sys.executable, "-m", "verifier", str(bundle), "--policy", str(policy)],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        yield "bundle", f"{seat.party} in {seat.case}: {' '.join((done.stdout + done.stderr).split())[:600]}"
    bundle.unlink()
