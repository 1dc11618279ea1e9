"""The cast of the tests, brought in by real commands.

alice (lead investigator) and bob (investigator) of Northwind, carol (lead investigator) and dan (custodian)
of Contoso, rhea of a regulator, mallory of a party that has no part in anything, olga who runs the host.
Passwords: PASSWORD.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from cases import actors, intake, reads, tokens
from cases.models import Case, EvidenceItem, Member, Share
from cases.perform import perform
from cases.rules.acting import Actor, Via
from cases.rules.case import AddParty, CloseCase, CreateCase, OpenCase
from cases.rules.parties import AdmitMember, RegisterParty
from cases.rules.proposals import AgreeToClose, ConsentToParty
from cases.rules.sharing import AcceptShare, OfferShare
from ledger.entries import Receipt

PASSWORD = "correct horse battery staple"
HASHED = make_password(PASSWORD)  # once: it is slow on purpose


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user of one party, and the actor that it is by a given door."""

    user: User
    member: UUID
    party: UUID

    def by(self, via: Via) -> Actor:
        """This person as the actor behind a request."""
        actor = actors.actor_for_user(self.user, via=via)
        assert actor is not None
        return actor

    @property
    def actor(self) -> Actor:
        """This person on the web."""
        return self.by("web")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Four parties and their people, each set of its own, so that tests need not clean up."""

    northwind: UUID = field(default_factory=uuid4)
    contoso: UUID = field(default_factory=uuid4)
    regulator: UUID = field(default_factory=uuid4)
    outsiders: UUID = field(default_factory=uuid4)
    alice: Person
    bob: Person
    carol: Person
    dan: Person
    rhea: Person
    mallory: Person
    olga: User

    @property
    def operator(self) -> Actor:
        """olga, as the operator of the host."""
        return actors.operator(self.olga, via="admin")


def the_cast() -> Cast:
    """Register four parties and admit their people. Names carry a random tail: call it as often as you
    like."""
    tail = secrets.token_hex(3)
    olga = User.objects.create(username=f"olga-{tail}", password=HASHED, is_staff=True, is_superuser=True)
    host = actors.operator(olga, via="admin")
    names = {
        "northwind": "Northwind",
        "contoso": "Contoso",
        "regulator": "Regulator",
        "outsiders": "Outsiders",
    }
    parties: dict[str, Any] = {}
    for key, name in names.items():
        parties[key] = uuid4()
        kind = "regulator" if key == "regulator" else "company"
        perform(
            RegisterParty(
                party=parties[key], name=f"{name} {tail}", short_name=f"{name} {tail}", kind_of_party=kind
            ),
            actor=host,
        )
    people = {
        "alice": ("northwind", "lead_investigator"),
        "bob": ("northwind", "investigator"),
        "carol": ("contoso", "lead_investigator"),
        "dan": ("contoso", "custodian"),
        "rhea": ("regulator", "viewer"),
        "mallory": ("outsiders", "lead_investigator"),
    }
    admitted: dict[str, Any] = {}
    for name, (party, role) in people.items():
        admitted[name] = person(name, parties[party], role, host=host, tail=tail)
    return Cast(olga=olga, **parties, **admitted)


def person(name: str, party: UUID, role: str, *, host: Actor, tail: str = "") -> Person:
    """A user who is a member of a party, in one role."""
    login = f"{name}-{tail}" if tail else name
    user = User.objects.create(username=login, email=f"{login}@example.org", password=HASHED)
    member = uuid4()
    perform(
        AdmitMember(
            member=member,
            party=party,
            user_id=user.pk,
            name=name.capitalize(),
            email=user.email,
            role=role,
        ),
        actor=host,
    )
    return Person(user=user, member=member, party=party)


def joint_case(
    cast: Cast,
    *,
    title: str = "Bulk extraction through the gateway",
    open_: bool = True,
    partner: bool = True,
) -> Case:
    """A case led by Northwind (alice), with Contoso as partner and the regulator as observer; mallory has no
    part. Without the partner, what needs everybody's word needs the lead's alone."""
    case = uuid4()
    alice = cast.alice.actor
    perform(
        CreateCase(
            case=case, title=title, summary="Many accounts, few templates.", category="model_distillation"
        ),
        actor=alice,
    )
    if open_:
        perform(OpenCase(case=case), actor=alice)
    # While the lead is alone with observers, nobody has to consent.
    add_party(case, cast.regulator, by=cast.alice, role="observer")
    if partner:
        add_party(case, cast.contoso, by=cast.alice)
    return reads.case(alice, case)


def add_party(
    case: UUID, party: UUID, *, by: Person, consenting: Sequence[Person] = (), role: str = "partner"
) -> None:
    """Let a party join: proposed by one, consented to by the others that are asked."""
    receipt = perform(AddParty(case=case, party=party, role=role), actor=by.actor)
    for person in consenting:
        proposal = UUID(str(receipt.events[0].fields["proposal"]))
        perform(ConsentToParty(case=case, proposal=proposal), actor=person.actor)


def close(case: UUID, *, by: Person, agreeing: Sequence[Person] = (), reason: str = "Settled") -> Receipt:
    """Close a case: proposed by the lead, countersigned by the others that are asked."""
    receipt = last = perform(CloseCase(case=case, reason=reason), actor=by.actor)
    for person in agreeing:
        proposal = UUID(str(receipt.events[0].fields["proposal"]))
        last = perform(AgreeToClose(case=case, proposal=proposal), actor=person.actor)
    return last


LINES = b"".join(
    b'{"ts":"2026-02-08T10:%02d:%02d.000Z","requester_ip_address":"203.0.113.%d",'
    b'"tokens":%d,"note":"hello %d"}\n' % (n // 60 % 60, n % 60, n % 7, n, n)
    for n in range(200)
)


def sealed_item(
    cast: Cast,
    case: Case,
    *,
    by: Person | None = None,
    content: bytes = LINES,
    title: str = "Gateway log",
    filename: str = "gateway.jsonl",
) -> EvidenceItem:
    """An item acquired through the real intake; `by` is alice unless told. The worker has not run yet."""
    actor = (by or cast.alice).actor
    facts = intake.AcquisitionFacts(
        title=title,
        source_system="Gateway",
        acquired_at="2026-02-09T08:00:00+01:00",
        method="Export",
        legal_basis="Contract, clause 7",
    )
    return intake.receive(
        BytesIO(content), actor=actor, case=reads.case(actor, case.pk), facts=facts, filename=filename
    )


CONTENT = ("search", "preview", "download", "export")


def disclose(case: Case, item: EvidenceItem, party: UUID, *, by: Person) -> UUID:
    """The owner lets another party of the case see and read an item, and that party accepts; the share."""
    return accepted(case, offer(case, item, to=party, by=by))


def offer(case: Case, *items: EvidenceItem, to: UUID, by: Person, **terms: Any) -> UUID:
    """Offer items to a party, by default to do with them all but share them on; the share's id."""
    share = uuid4()
    told = {"operations": CONTENT, "purpose": "Joint analysis", "tlp": "TLP:AMBER", **terms}
    named = tuple(item.pk for item in items)
    perform(OfferShare(case=case.pk, share=share, items=named, to=to, **told), actor=by.actor)
    return share


def accepted(case: Case, share: UUID) -> UUID:
    """The receiver accepts the newest terms, by a member of its own that may; the share's id again."""
    receiver = Share.objects.values_list("receiver", flat=True).get(pk=share)
    perform(AcceptShare(case=case.pk, share=share), actor=signatory(receiver))
    return share


def signatory(party: UUID) -> Actor:
    """A member that may accept for its party; one is admitted where there is none."""
    able = Member.objects.filter(party=party, active=True, role__in=("lead_investigator", "counsel"))
    if not able.exists():
        person(f"counsel-{party.hex[:8]}", party, "counsel", host=actors.operator(via="admin"))
    return actors.actor_for_member(able.order_by("admitted_at")[0], via="web")


def token(whose: Person, *, host: Actor | None = None, days: float = 30) -> str:
    """A new API token of a member; what is returned goes behind "Bearer"."""
    return tokens.issue(
        member=whose.member, label="test", lasting=timedelta(days=days), actor=host or whose.actor
    )
