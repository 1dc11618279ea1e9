"""What a party pins of a case before it believes any proof: the keys of host, witnesses and members."""

import re

from cases import reads
from cases.models import Case, PartyKey
from cases.rules.acting import Actor
from cases.witnesses import sides_of
from ledger import signing
from ledger.host import host_key

UNMET = " The quorum below does not ask for it: fetch this file again once it has one."


def policy_text(actor: Actor, case: Case) -> str:
    """What a party pins, as C2SP tlog-policy: the log's key, the parties' witnesses, the quorum; and as
    comments the members' signing keys."""
    sides = sides_of(actor, case)
    # As the log itself has it: the host may bear another name today.
    origin = signing.parse_checkpoint(reads.ledger_head(actor, case).checkpoint_text).origin
    names = _Names()
    lines = [
        "# The keys of the case, as this host tells them. A host that lies would lie here too: compare each",
        "# line with the other parties by another way (on the phone, on paper, in a meeting), then pin it.",
        f"log {signing.vkey(origin, host_key().public)}",
    ]
    groups = []
    for side in sides:
        told = f"{_one_line(side.party.name)} ({side.part})"
        if not side.live:
            lines.append(f"# {told} has no witness.{UNMET if side.needed else ''}")
            continue
        lines.append(f"# {told}")
        members = [names.take(side.party.short_name) for _ in side.live]
        lines += [f"witness {name} {vkey}" for name, vkey in zip(members, side.live, strict=True)]
        if side.needed:
            groups.append(names.take(f"{side.party.short_name} any"))
            lines.append(f"group {groups[-1]} any {' '.join(members)}")
    if groups:
        everyone = names.take("all parties")
        lines += [f"group {everyone} all {' '.join(groups)}", f"quorum {everyone}"]
    else:
        lines.append("quorum none")
    keys = PartyKey.objects.filter(party__in=[side.party for side in sides], purpose="member")
    if keys:
        lines += [
            "# Keys with which members sign binding acts: key, party. Compare these too. Those that were",
            "# replaced or revoked are here as well: what they signed before that stays signed.",
        ]
    lines += [f"#key {key.pk} {key.party_id}" for key in keys]
    return "".join(f"{line}\n" for line in lines)


class _Names:
    """Names for the lines of a policy: short, plain, each given once."""

    def __init__(self) -> None:
        self._taken = {"none", "any", "all"}

    def take(self, wanted: str) -> str:
        slug = re.sub("[^a-z0-9]+", "-", wanted.lower()).strip("-") or "party"
        count, name = 1, slug
        while name in self._taken:
            count += 1
            name = f"{slug}-{count}"
        self._taken.add(name)
        return name


def _one_line(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)
