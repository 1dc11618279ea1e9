"""Builds the demo: invented parties, their members, and a joint case with evidence, all through the one door.

Every command id is derived from a name, so a build that was killed half-way is finished by the next one: what
is there already is answered by its first receipt.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from django.contrib.auth.models import User

from cases import intake, reads
from cases.actors import actor_for_user, operator
from cases.demo import scenario
from cases.intake import AcquisitionFacts
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.rules.acting import Actor
from cases.rules.case import AddParty, ContainCase, CreateCase, OpenCase
from cases.rules.parties import AdmitMember, RegisterParty
from cases.rules.proposals import ConsentToParty, proposal_of
from cases.rules.referral import SendReferral
from cases.rules.sharing import AcceptShare, OfferShare

DEMO = UUID("d4a2b3f0-5d0a-5c0e-9a52-6b1f4a7c2e10")


@dataclass(frozen=True)
class Person:
    """A login of the demo; `party` None is the host's operator."""

    username: str
    name: str
    party: str | None
    role: str
    title: str


PARTIES = {
    "northwind": ("Northwind AI", "Northwind", "company"),
    "contoso": ("Contoso Cloud", "Contoso", "company"),
    "regulator": ("Office for Data and AI Oversight", "Regulator", "regulator"),
    "fabrikam": ("Fabrikam Hosting", "Fabrikam", "company"),
}
PEOPLE = (
    Person(
        "alice",
        "Alice Lindqvist",
        "northwind",
        "lead_investigator",
        "Head of abuse investigations",
    ),
    Person("bob", "Bob Okafor", "northwind", "investigator", "Threat analyst"),
    Person("carol", "Carol Meyer", "contoso", "lead_investigator", "Incident response lead"),
    Person("dan", "Dan Ferreira", "contoso", "custodian", "Evidence custodian"),
    Person("rhea", "Rhea Novak", "regulator", "viewer", "Case officer"),
    Person("ines", "Ines Halloran", "regulator", "counsel", "Legal officer"),
    Person("mallory", "Mallory Price", "fabrikam", "investigator", "Not part of any case"),
    Person("olga", "Olga Brandt", None, "operator", "Operates this host"),
)


def demo_id(name: str) -> UUID:
    """The id that the demo gives to what it calls `name`; the same on every host."""
    return uuid5(DEMO, name)


@dataclass(frozen=True)
class Upload:
    """One file of the demo and what its owner says about it."""

    name: str
    filename: str
    content: bytes
    facts: AcquisitionFacts


def build(passwords: Mapping[str, str], say: Callable[[str], None]) -> Case:
    """Make or finish the demo; `passwords` (by username) are for logins that do not exist yet."""
    logs = scenario.build()
    people = people_of(passwords)
    say("Demo: four parties and eight logins are in.")
    case = _joint_case(people)
    say(f"Demo: case {case.reference} is open.")
    for upload in _uploads(logs):
        _add(case, upload, people, say)
    _share(case, people)
    _contoso_alone(people, say)
    _referred(people, say)
    return reads.case(people["alice"], case.pk)


def people_of(passwords: Mapping[str, str]) -> dict[str, Actor]:
    """The demo's parties and people, registered and admitted; the members, by username."""
    host = operator()
    for key, (name, short_name, kind) in PARTIES.items():
        perform(
            RegisterParty(
                id=demo_id(f"register {key}"),
                party=demo_id(key),
                name=name,
                short_name=short_name,
                kind_of_party=kind,
            ),
            actor=host,
        )
    actors = {}
    for person in PEOPLE:
        user, made = User.objects.get_or_create(
            username=person.username,
            defaults={
                "email": f"{person.username}@{person.party or 'host'}.example",
                "first_name": person.name.split()[0],
                "last_name": person.name.split()[-1],
                "is_staff": person.party is None,
                "is_superuser": person.party is None,
            },
        )
        if made:
            user.set_password(passwords[person.username])
            user.save()
        if person.party is None:
            continue
        perform(
            AdmitMember(
                id=demo_id(f"admit {person.username}"),
                member=demo_id(f"member {person.username}"),
                party=demo_id(person.party),
                user_id=user.pk,
                name=person.name,
                email=user.email,
                role=person.role,
                title=person.title,
            ),
            actor=host,
        )
        actor = actor_for_user(user, via="cli")
        if actor is not None:
            actors[person.username] = actor
    return actors


def _joint_case(people: Mapping[str, Actor]) -> Case:
    alice, case = people["alice"], demo_id("joint case")
    perform(
        CreateCase(
            id=demo_id("create joint case"),
            case=case,
            title="Bulk extraction through the completions API",
            summary=(
                "Since 5 October a ring of about forty accounts, paid by four cards, has sent thousands "
                "of requests built from three prompt templates that demand full reasoning. Three egress "
                "addresses appear at Contoso as well. Eight accounts were banned on 8 October at 14:00 UTC "
                "and replaced within the hour."
            ),
            category="model_distillation",
            severity="high",
            tlp="TLP:AMBER+STRICT",
        ),
        actor=alice,
    )
    perform(
        AddParty(
            id=demo_id("add contoso"),
            case=case,
            party=demo_id("contoso"),
            role="partner",
        ),
        actor=alice,
    )
    adding = AddParty(
        id=demo_id("add regulator"),
        case=case,
        party=demo_id("regulator"),
        role="observer",
    )
    proposed = perform(adding, actor=alice).events[0]
    if proposed.type == "PartyProposed":  # a demo of before, when the lead alone decided, has it in already
        perform(
            ConsentToParty(
                id=demo_id("consent to regulator"),
                case=case,
                proposal=proposal_of(adding),
            ),
            actor=people["carol"],
        )
    perform(OpenCase(id=demo_id("open joint case"), case=case), actor=alice)
    return reads.case(alice, case)


def _uploads(logs: scenario.Scenario) -> tuple[tuple[str, Upload], ...]:
    """Who adds which file."""
    return (
        (
            "bob",
            Upload(
                "gateway",
                logs.gateway.filename,
                logs.gateway.content,
                AcquisitionFacts(
                    title="API gateway log, 5–11 October",
                    source_system="llm-gateway (cluster eu-1)",
                    tenant="production",
                    host="gw-eu-1.northwind.example",
                    acquired_by="Bob Okafor",
                    acquired_at="2026-10-12T09:12:40+02:00",
                    method="export from the log store",
                    tool="jq",
                    tool_version="1.7.1",
                    query='select(.startTime >= "2026-10-05" and .startTime < "2026-10-12")',
                    covers_from="2026-10-05T00:00:00Z",
                    covers_until="2026-10-12T00:00:00Z",
                    legal_basis="Terms of service 7.2; agreement NW-CC 2026/4",
                    marking="TLP:AMBER+STRICT",
                ),
            ),
        ),
        (
            "dan",
            Upload(
                "cloudtrail",
                logs.cloudtrail.filename,
                logs.cloudtrail.content,
                AcquisitionFacts(
                    title="CloudTrail, Bedrock data events",
                    kind="export",
                    source_system="CloudTrail (eu-central-1)",
                    account="111122223333",
                    acquired_by="Dan Ferreira",
                    acquired_at="2026-10-13T07:31:05Z",
                    method="download of the trail's objects",
                    tool="aws-cli",
                    tool_version="2.22.4",
                    query="aws s3 cp --recursive s3://contoso-trail/AWSLogs/111122223333/",
                    covers_from="2026-10-05T00:00:00Z",
                    covers_until="2026-10-12T00:00:00Z",
                    legal_basis="Agreement NW-CC 2026/4",
                    marking="TLP:AMBER",
                ),
            ),
        ),
        (
            "dan",
            Upload(
                "edge",
                f"{logs.edge.filename}.gz",
                gzip.compress(logs.edge.content, mtime=0),
                AcquisitionFacts(
                    title="Edge access log, mixed zones",
                    source_system="nginx 1.27",
                    host="edge-fra-2.contoso.example",
                    acquired_by="Dan Ferreira",
                    acquired_at="2026-10-13T15:44:10+08:00",
                    method="copy from the host",
                    tool="scp",
                    tool_version="9.6",
                    covers_from="2026-10-05T00:00:00Z",
                    covers_until="2026-10-12T00:00:00Z",
                    legal_basis="Internal, not shared",
                    marking="TLP:AMBER+STRICT",
                    note="Half of the hosts write local time (+0800); the zone stands in each line.",
                ),
            ),
        ),
    )


def _add(
    case: Case,
    entry: tuple[str, Upload],
    people: Mapping[str, Actor],
    say: Callable[[str], None],
) -> EvidenceItem:
    username, upload = entry
    actor = people[username]
    item = intake.receive(
        io.BytesIO(upload.content),
        actor=actor,
        case=reads.case(actor, case.pk),
        facts=upload.facts,
        filename=upload.filename,
        command_id=demo_id(f"acquire {upload.name}"),
    )
    say(f"Demo: {upload.filename} is sealed as {item.label}.")
    return item


def _share(case: Case, people: Mapping[str, Actor]) -> None:
    """Each side shares one log with the other; the edge log stays with Contoso, a sealed entry to the
    others."""
    for name, giver, to, receiver, purpose in (
        ("gateway", "alice", "contoso", "carol", "Find the same egress in Contoso's logs"),
        ("cloudtrail", "carol", "northwind", "alice", "Attribute the ring's accounts"),
        ("cloudtrail", "carol", "regulator", "ines", "Oversight of the joint investigation"),
    ):
        share = demo_id(f"share {name} with {to}")
        perform(
            OfferShare(
                id=demo_id(f"offer {name} to {to}"),
                case=case.pk,
                share=share,
                items=(uuid5(demo_id(f"acquire {name}"), "item"),),
                to=demo_id(to),
                operations=("search", "preview", "download"),
                purpose=purpose,
                agreement="NW-CC 2026/4",
                tlp="TLP:AMBER+STRICT" if name == "gateway" else "TLP:AMBER",
                summary=SUMMARIES[name],
            ),
            actor=people[giver],
        )
        perform(
            AcceptShare(id=demo_id(f"accept {name} by {to}"), case=case.pk, share=share),
            actor=people[receiver],
        )


SUMMARIES = {
    "gateway": "All requests of the ring's accounts at our gateway from 5 to 11 October.",
    "cloudtrail": "Model calls in our account from the three egress addresses, 5 to 11 October.",
}


def _contoso_alone(people: Mapping[str, Actor], say: Callable[[str], None]) -> None:
    """A second case that Northwind must never learn of."""
    carol, case = people["carol"], demo_id("contoso case")
    perform(
        CreateCase(
            id=demo_id("create contoso case"),
            case=case,
            title="Access keys found on a paste site",
            summary="Two access keys of the evaluation account were published; their use is being traced.",
            category="credential_abuse",
            severity="medium",
            tlp="TLP:AMBER",
        ),
        actor=carol,
    )
    perform(OpenCase(id=demo_id("open contoso case"), case=case), actor=carol)
    perform(
        ContainCase(
            id=demo_id("contain contoso case"),
            case=case,
            reason="Both keys were revoked on 9 October.",
        ),
        actor=carol,
    )
    say("Demo: a second case, of Contoso alone, is contained.")


def _referred(people: Mapping[str, Actor], say: Callable[[str], None]) -> None:
    """A second, small matter that Northwind puts before the regulator, whose answer it awaits."""
    alice, case = people["alice"], demo_id("resellers case")
    perform(
        CreateCase(
            id=demo_id("create resellers case"),
            case=case,
            title="Resold research access",
            summary="Two resellers offer free research keys of ours for money; one of them targets students.",
            category="terms_of_service",
            severity="low",
            tlp="TLP:AMBER",
        ),
        actor=alice,
    )
    perform(
        SendReferral(
            id=demo_id("refer resellers"),
            case=case,
            referral=demo_id("resellers referral"),
            to=demo_id("regulator"),
            summary=(
                "Two shops resell access that we give to universities without charge. Buyers upload personal "
                "data of students in the belief that the service is licensed.\n\nWe ask whether your office "
                "wants to take part before we approach the shops."
            ),
            indicators=("research-keys.example", "cheap-models.example", "198.51.100.77"),
            purpose="Decide whether the office takes part",
            legal_basis="Terms of service, section 9",
            tlp="TLP:AMBER",
        ),
        actor=alice,
    )
    say("Demo: a second matter of Northwind waits for the regulator's answer.")
