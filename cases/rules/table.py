"""Every command there is, and the rule that decides it."""

from cases.rules import (
    case,
    custody,
    disposal,
    erasure,
    examining,
    keys,
    making,
    parties,
    proposals,
    referral,
    sharing,
    transfer,
)
from cases.rules.shape import Rules

RULES: Rules = {
    **case.RULES,
    **custody.RULES,
    **examining.RULES,
    **transfer.RULES,
    **disposal.RULES,
    **making.RULES,
    **erasure.RULES,
    **keys.RULES,
    **parties.RULES,
    **proposals.RULES,
    **sharing.RULES,
    **referral.RULES,
}
