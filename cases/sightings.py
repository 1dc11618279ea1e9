"""What the rules of custody ask beyond an item's own stream: which parties see it now, for nobody takes over,
or witnesses the end of, what it cannot see; what was made from it; whose an entry is."""

from uuid import UUID

from django.db import connection

from cases.models import CustodyEvent, EvidenceItem, Member
from cases.rules.disposal import DisposeEvidence, ProposeDisposal
from cases.rules.known import Around
from cases.rules.transfer import CorrectCustody, OfferCustodyTransfer

CustodyCommand = OfferCustodyTransfer | ProposeDisposal | DisposeEvidence | CorrectCustody

_SEEING = """
    WITH seeing AS (
        SELECT p.id FROM auth_permission p
        JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = 'cases'
        WHERE p.codename = 'view_evidenceitem'
    )
    SELECT split_part(g.name, ':', 2)::uuid FROM cases_evidenceitemgroupobjectpermission w
    JOIN seeing s ON s.id = w.permission_id JOIN auth_group g ON g.id = w.group_id AND g.name LIKE 'party:%%'
    WHERE w.content_object_id = %(item)s AND coalesce(w.not_before <= clock_timestamp(), true)
    AND coalesce(w.expires_at > clock_timestamp(), true)
    UNION
    SELECT m.party_id FROM cases_evidenceitemuserobjectpermission w
    JOIN seeing s ON s.id = w.permission_id JOIN cases_member m ON m.user_id = w.user_id AND m.active
    WHERE w.content_object_id = %(item)s AND coalesce(w.not_before <= clock_timestamp(), true)
    AND coalesce(w.expires_at > clock_timestamp(), true)
"""


def parties_seeing(item: UUID) -> frozenset[UUID]:
    """The parties of which somebody sees the item's particulars at this moment. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEING, {"item": item})
        return frozenset(party for (party,) in cursor.fetchall())


def about(command: CustodyCommand) -> Around:
    """The answers that this command's rule asks for, under the lock of its log."""
    match command:
        case OfferCustodyTransfer():
            return Around(seen_by=parties_seeing(command.item))
        case ProposeDisposal():
            witness = Member.objects.filter(pk=command.witness, active=True)
            return Around(
                seen_by=parties_seeing(command.item),
                witness_party=witness.values_list("party", flat=True).first(),
                copies=_made_from(command.item),
            )
        case DisposeEvidence():
            return Around(copies=_made_from(command.item))
        case CorrectCustody():
            steps = CustodyEvent.objects.filter(item=command.item, entry=command.entry)
            return Around(entry_by=steps.values_list("party", flat=True).first())


def _made_from(item: UUID) -> tuple[UUID, ...]:
    there = EvidenceItem.objects.filter(parent=item).exclude(state="disposed").order_by("number")
    return tuple(there.values_list("pk", flat=True))
