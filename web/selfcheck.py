"""How a party checks the ledger by itself, without this host: the exact commands for the case at hand."""

from dataclasses import dataclass

from django.utils.text import slugify

from cases.models import Case, Party
from cases.proof import Standing


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """The files that the member downloads, and the commands that check them."""

    bundle: str
    policy: str
    pending: bool  # the newest entries are not countersigned yet, which the program must be told to allow
    never: bool  # no quorum ever was, which it reports as its one finding

    @property
    def command(self) -> str:
        """The check itself."""
        pending = " --allow-pending" if self.pending else ""
        return f"countersign-verify {self.bundle} --policy {self.policy}{pending}"

    @property
    def further(self) -> list[tuple[str, str]]:
        """What may be added to it: with what, and what that shows."""
        return [
            ("--mirror MIRROR", "with your own witness’s copy: that nothing it saw was changed or dropped"),
            (
                "--against THEIRS.zip",
                "with another party’s download: that you all see one history",
            ),
            ("--evidence FOLDER", "hash your evidence files again, against the sealed hashes"),
            (
                "--tsa ROOTS.pem",
                "with the roots of authorities that you trust: check their time stamps",
            ),
        ]


def policy_name(case: Case) -> str:
    """What the policy of a case is called as a file."""
    return f"{case.reference}.policy"


def self_check(case: Case, party: Party, standing: Standing) -> SelfCheck:
    """The commands for a member of `party`."""
    witnessed = [one for one in standing.needed if one.vkeys]
    reached = min((one.size for one in witnessed), default=standing.head.size)
    return SelfCheck(
        bundle=f"{case.reference}-{slugify(party.short_name) or 'party'}-ledger.zip",
        policy=policy_name(case),
        pending=reached < standing.head.size,
        never=not reached,
    )
