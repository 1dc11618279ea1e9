"""Who takes part in the storm: parties, one member of each for each case, and the cases, by real commands."""

import json
import secrets
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User

from cases import tokens
from cases.actors import actor_for_user, operator
from cases.perform import perform
from cases.rules.acting import Actor
from cases.rules.case import AddParty, CreateCase, OpenCase
from cases.rules.parties import AdmitMember, RegisterParty
from cases.rules.proposals import ConsentToParty, proposal_of
from ledger.host import host_key, origin_of
from tests.faults.writers import Company, Seat


def seed(*, cases: int, writers: int, late: int) -> str:
    """Make `cases` open cases with `writers` parties each, and `late` parties that will be
    proposed; as JSON."""
    host, tail = operator(), secrets.token_hex(3)
    parties = [uuid4() for _ in range(writers + late)]
    for number, party in enumerate(parties):
        name = f"Party {number} {tail}"
        perform(RegisterParty(party=party, name=name, short_name=name), actor=host)
    seats = []
    for place in range(cases):
        case = uuid4()
        # Each party leads some of the cases.
        writing = parties[:writers]
        lead = writing[place % writers]
        parts = {party: "lead" if party == lead else "partner" for party in writing}
        order = [lead, *(party for party in writing if party != lead), *parties[writers:]]
        leading, partners = None, list[Actor]()
        for party in order:
            user = User.objects.create_user(f"storm-{tail}-{place}-{parties.index(party)}")
            member = uuid4()
            perform(
                AdmitMember(
                    member=member, party=party, user_id=user.pk, name="Storm", role="lead_investigator"
                ),
                actor=host,
            )
            actor = actor_for_user(user, via="cli")
            if actor is None:
                raise RuntimeError("A member of the storm was not admitted.")
            if leading is None:
                leading = actor
                perform(CreateCase(case=case, title=f"Storm {place}", category="other"), actor=actor)
                perform(OpenCase(case=case), actor=actor)
            elif party in parts:
                adding = AddParty(case=case, party=party, role="partner")
                perform(adding, actor=leading)
                for partner in partners:
                    perform(ConsentToParty(case=case, proposal=proposal_of(adding)), actor=partner)
                partners.append(actor)
            secret = tokens.issue(member=member, label="Storm", lasting=timedelta(days=1), actor=actor)
            seats.append(
                Seat(
                    case=str(case),
                    origin=origin_of("case", case),
                    party=str(party),
                    member=str(member),
                    token=secret,
                    part=parts.get(party, ""),
                )
            )
    return json.dumps(asdict(Company(host_key=host_key().public.hex(), seats=tuple(seats))))
