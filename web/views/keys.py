"""My keys and my party's: register, replace, revoke, and whether members must sign."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from cases import listings, policy
from cases.actors import Actor
from cases.models import PartyKey
from cases.perform import perform
from cases.refusals import Invalid, Refused, Unseen
from cases.rules import keys as rules
from ledger import authorship
from web import receipts
from web import signing as hand
from web.door import command_id, member_view, new_command
from web.forms.keys import NewKeyForm, NewWitnessForm, RevokeForm
from web.forms.shape import CommandForm
from web.models import Passkey

LONGEST_NAME = 1400  # as the column holds; WebAuthn allows 1,023 bytes
FORMS: dict[str, type[NewKeyForm]] = {"member": NewKeyForm, "witness": NewWitnessForm}


@dataclass
class Held:
    """A key with what this member may do about it."""

    key: PartyKey
    credential: str
    revoke: CommandForm | None
    replace: CommandForm | None


def leads(actor: Actor) -> bool:
    """Whether the actor answers for its party's witnesses and rules."""
    return actor.role in policy.LAWYERS.split()


@member_view("GET", "HEAD")
def keys(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The keys of the actor's party, its own first."""
    return _page(request, actor)


def _page(
    request: HttpRequest,
    actor: Actor,
    *,
    tried: str = "",
    form: CommandForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """`tried` names the form that is drawn again: new/<purpose>, replace/<key> or revoke/<key>."""
    found = list(listings.party_keys(actor))
    known = dict(Passkey.objects.filter(key__in=[key.pk for key in found]).values_list("key", "credential"))

    def drawn(name: str, of: type[CommandForm]) -> CommandForm:
        return form if form is not None and tried == name else of(auto_id=f"id_{name.replace('/', '_')}_%s")

    def held(key: PartyKey) -> Held:
        mine = key.member_id is not None and key.member_id == actor.member
        answers = mine or leads(actor)
        return Held(
            key=key,
            credential=known.get(key.pk, ""),
            revoke=drawn(f"revoke/{key.pk}", RevokeForm) if answers else None,
            replace=drawn(f"replace/{key.pk}", FORMS[key.purpose])
            if mine or (answers and key.purpose == "witness")
            else None,
        )

    live = [held(key) for key in found if key.live]
    mine = [one for one in live if one.key.member_id == actor.member and one.key.purpose == "member"]
    party = listings.own_party(actor)
    context = {
        "place": "keys",
        "party": party,
        "mine": mine,
        "witnesses": [one for one in live if one.key.purpose == "witness"],
        "others": [one for one in live if one.key.purpose == "member" and one not in mine],
        "ended": [key for key in found if not key.live],
        "any_signer": any(one.key.purpose == "member" for one in live),
        "leads": leads(actor),
        "new_key": drawn("new/member", NewKeyForm),
        "new_witness": drawn("new/witness", NewWitnessForm),
        "tried": tried,
        "known": " ".join(one.credential for one in mine if one.credential),
        "rp": settings.WEBAUTHN_RP_ID,
        "user_name": f"{actor.name}, {party.short_name} (signing)",
        "passkey_command": new_command(),
        "require_command": new_command(),
    }
    return render(request, "web/keys/page.html", context, status=status)


@member_view("POST")
def key_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Draw the statement that the holder of a new key has to sign with it."""
    purpose = "witness" if request.POST.get("purpose") == "witness" else "member"
    replaces = _replaced(request, actor)
    if hand.by_script(request):
        try:
            return _passkey_statement(request, actor, replaces)
        except Refused as refused:
            return JsonResponse({"sentence": refused.sentence}, status=refused.status)
    name = f"replace/{replaces.pk}" if replaces else f"new/{purpose}"
    form = FORMS[purpose](request.POST, auto_id=f"id_{name.replace('/', '_')}_%s")
    if not form.is_valid():
        return _page(request, actor, tried=name, form=form, status=422)
    label, public = form.cleaned_data["name"], form.cleaned_data["public"]
    text = _statement(actor, purpose, label, authorship.ED25519, public, replaces)
    told = {"purpose": purpose, "name": label, "public": public}
    return _statement_page(request, text, told=told, replaces=replaces)


def _replaced(request: HttpRequest, actor: Actor) -> PartyKey | None:
    """The key that the new one takes the place of, where the form names one."""
    asked = request.POST.get("replaces", "")
    if not asked:
        return None
    found = listings.party_keys(actor).filter(pk=asked, ended_at=None).first()
    if found is None:
        raise Unseen
    return found


def _statement(
    actor: Actor, purpose: str, name: str, alg: str, public: str, replaces: PartyKey | None
) -> str:
    return rules.statement(
        host=settings.HOST_NAME,
        party=actor.party,
        member=actor.member if purpose == "member" else None,
        purpose=purpose,
        name=name,
        alg=alg,
        public=public,
        replaces=replaces.pk if replaces else None,
    )


def _passkey_statement(request: HttpRequest, actor: Actor, replaces: PartyKey | None) -> JsonResponse:
    public = point_of(request.POST.get("spki", ""))
    name = request.POST.get("name", "").strip()
    text = _statement(actor, "member", name, authorship.WEBAUTHN, public, replaces)
    drawn = hand.asked(text, [replaces] if replaces else [])
    return JsonResponse({"statement": text, "public": public, **drawn})


def point_of(spki: str) -> str:
    """The point of a P-256 key, uncompressed, in hex, out of the SubjectPublicKeyInfo of a browser."""
    try:
        key = load_der_public_key(base64.b64decode(spki, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("public", "The browser told no public key.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Invalid("public", "This passkey is of a kind that is not taken here: P-256 is.")
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()


def _statement_page(
    request: HttpRequest,
    statement: str,
    *,
    told: dict[str, str],
    replaces: PartyKey | None,
    refused: Refused | None = None,
) -> HttpResponse:
    key = "witness.key" if told["purpose"] == "witness" else "my.key"
    command = hand.commands(statement, "statement.json", key)
    context = {
        "place": "keys",
        "statement": statement,
        "command": command,
        "old_command": command.splitlines()[-1].replace(key, f"old-{key}"),
        "told": told,
        "replaces": replaces,
        "refused": refused,
        "proof": request.POST.get("proof", ""),
        "old_proof": request.POST.get("old_proof", ""),
        # What was refused is a new wish when it is pressed again.
        "command_id": new_command() if refused else command_id(request),
    }
    return render(request, "web/keys/statement.html", context, status=refused.status if refused else 200)


@member_view("POST")
def key_register(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Register the key whose holder has signed its statement; or put it in the place of another."""
    told = {name: request.POST.get(name, "") for name in ("purpose", "name", "public")}
    statement = request.POST.get("statement", "")
    alg = authorship.WEBAUTHN if request.POST.get("alg") == authorship.WEBAUTHN else authorship.ED25519
    replaces = _replaced(request, actor)
    try:
        said: dict[str, Any] = {
            **told,
            "id": command_id(request),
            "party": actor.party,
            "member": actor.member if told["purpose"] == "member" else None,
            "alg": alg,
            "statement": statement,
            "proof": hand.signature_of(request.POST.get("proof", ""), "proof"),
        }
        if replaces:
            old = hand.signature_of(request.POST.get("old_proof", ""), "old_proof")
            command: rules.RegisterKey = rules.RotateKey(**said, replaces=replaces.pk, old_proof=old)
        else:
            command = rules.RegisterKey(**said)
        receipts.give(request, perform(command, actor=actor))
    except Refused as refused:
        if alg == authorship.WEBAUTHN or not statement:
            raise
        return _statement_page(request, statement, told=told, replaces=replaces, refused=refused)
    if alg == authorship.WEBAUTHN:
        _remember(request, authorship.key_id(bytes.fromhex(command.public)))
    return redirect("keys")


def _remember(request: HttpRequest, key: str) -> None:
    """Only once the key is known to be this member's: nobody else may say by what name it is found. A crash
    before this leaves a key whose owner the browser asks which passkey it is."""
    credential = request.POST.get("credential", "")
    if 0 < len(credential) <= LONGEST_NAME and re.fullmatch(r"[A-Za-z0-9_-]+", credential):
        Passkey.objects.get_or_create(key=key, defaults={"credential": credential})


@member_view("POST")
def key_revoke(request: HttpRequest, actor: Actor, key: str) -> HttpResponse:
    """End a key from now on."""
    name = f"revoke/{key}"
    form = RevokeForm(request.POST, auto_id=f"id_revoke_{key}_%s")
    status = 422
    if not listings.party_keys(actor).filter(pk=key).exists():
        raise Unseen
    if form.is_valid():
        try:
            command = rules.RevokeKey(
                id=command_id(request), party=actor.party, key=key, reason=form.cleaned_data["reason"]
            )
            receipts.give(request, perform(command, actor=actor))
            return redirect("keys")
        except Refused as refused:
            form.refused(refused)
            status = refused.status
    return _page(request, actor, tried=name, form=form, status=status)


@member_view("POST")
def signatures_required(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Say whether the members of the party must sign what binds it."""
    required = request.POST.get("required") == "yes"
    command = rules.RequireSignatures(id=command_id(request), party=actor.party, required=required)
    receipts.give(request, perform(command, actor=actor))
    return redirect("keys")
