"""Signing at this door: what a form offers, the intent that it draws, the signature that comes back.

The private half of a key is used in the member's browser or terminal; only signatures come here.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from cases import intents, listings
from cases import proof as proofs
from cases.actors import Actor
from cases.models import Case, Party, PartyKey
from cases.refusals import Invalid, Refused
from cases.rules.shape import Command
from ledger import authorship, jcs
from ledger.authorship import Signature
from ledger.errors import VerificationError
from web.forms.shape import CommandForm
from web.models import Passkey

LONGEST = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Signing:
    """How the actor may do what binds its party: with which of its keys, and whether without any."""

    party: Party
    keys: Sequence[PartyKey]

    @property
    def required(self) -> bool:
        """Whether the party wants a signature under each of its binding acts."""
        return self.party.signatures_required

    @property
    def rp(self) -> str:
        """The name that passkeys of this host belong to."""
        return str(settings.WEBAUTHN_RP_ID)

    @property
    def by_passkey(self) -> bool:
        return any(key.alg == authorship.WEBAUTHN for key in self.keys)

    @property
    def by_file(self) -> bool:
        return any(key.alg == authorship.ED25519 for key in self.keys)


def signing(party: Party, keys: Sequence[PartyKey]) -> Signing:
    """What the forms of binding acts offer a member of `party` with these keys of its own."""
    return Signing(party=party, keys=keys)


def by_script(request: HttpRequest) -> bool:
    """Whether a script of ours asks, which draws no page."""
    return request.headers.get("Accept") == "application/json"


def wanted(request: HttpRequest) -> bool:
    """Whether the press was for signing first, and the signature is still to come."""
    return "sign" in request.POST and "signature" not in request.POST


def trouble(form: CommandForm) -> JsonResponse:
    """Why a form's act cannot be signed yet, for a script."""
    said = [str(one) for errors in form.errors.values() for one in errors]
    return JsonResponse({"sentence": " ".join(said)}, status=422)


def draw(
    request: HttpRequest,
    actor: Actor,
    command: Command,
    form: CommandForm,
    *,
    case: Case | None,
    title: str,
    back: str = "",
) -> HttpResponse:
    """The intent of a command: for a script that holds a passkey, or on a page for who signs elsewhere.
    Who does not see the case sees no word of it here; `back` is where it came from."""
    text = intents.intent_for(command)
    if by_script(request):
        return JsonResponse({"intent": text, **asked(text, listings.signing_keys(actor))})
    content = jcs.canonical(intents.signed_fields(command)).decode()
    context = {
        "form": form,
        "told": _told(form),
        "title": title,
        "case": case,
        "intent": text,
        "content": content,
        "check": f"printf '%s' {shlex.quote(content)} | sha256sum",
        "command": commands(text, "intent.json"),
        "back": back or (reverse("case", args=[case.reference]) if case else reverse("cases")),
        "place": "case" if case else "referrals",
        "doubt": proofs.doubt(actor, case) if case else None,
    }
    return render(request, "web/keys/sign.html", context)


def asked(text: str, keys: Sequence[PartyKey]) -> dict[str, Any]:
    """What a browser needs to have `text` signed by one of these passkeys."""
    passkeys = [key.pk for key in keys if key.alg == authorship.WEBAUTHN]
    known = dict(Passkey.objects.filter(key__in=passkeys).values_list("key", "credential"))
    # One that is not known here can still be picked by its owner, from all that the browser finds.
    allow = list(known.values()) if len(known) == len(passkeys) else []
    return {
        "challenge": authorship.challenge_of(text.encode()),
        "allow": allow,
        "rp": settings.WEBAUTHN_RP_ID,
    }


def commands(text: str, file: str, key: str = "my.key") -> str:
    """The commands that sign a text with a key in a file."""
    return f"printf '%s' {shlex.quote(text)} > {file}\ncountersign-sign --key {key} {file}"


def given(request: HttpRequest, actor: Actor) -> intents.Authorship | None:
    """The member's signature that came with a form, by the key of its own that made it."""
    text = request.POST.get("intent", "")
    if not text:
        return None
    signature = signature_of(request.POST.get("signature", ""))
    kind = authorship.WEBAUTHN if signature.client_data else authorship.ED25519
    keys = [key for key in listings.signing_keys(actor) if key.alg == kind]
    if not keys:
        raise Refused("key-unknown", "You have no key in use of this kind.", status=422)
    made_by = next((key for key in keys if _made(key, text, signature)), keys[0])
    return intents.Authorship(key=made_by.pk, alg=made_by.alg, intent=text, signature=signature)


def signature_of(told: str, field: str | None = None) -> Signature:
    """A signature as a browser or `countersign-sign` gives it: JSON with its parts, or the bare base64."""
    told = told.strip()
    if not told:
        raise _no_signature("The signature is missing.", field)
    if len(told) > LONGEST or not told.isascii():
        raise _no_signature("This is no signature.", field)
    if not told.startswith("{"):
        return Signature("".join(told.split()))
    try:
        parts = json.loads(told)
    except (ValueError, RecursionError):
        raise _no_signature("This is not what countersign-sign printed: copy all of it.", field) from None
    kept = {name: parts.get(name, "") for name in ("sig", "authenticator_data", "client_data")}
    if not all(isinstance(part, str) for part in kept.values()) or not kept["sig"]:
        raise _no_signature("There is no signature in this.", field)
    return Signature(**kept)


def _no_signature(sentence: str, field: str | None) -> Refused:
    return Invalid(field or "", sentence, code="signature-wrong")


def _made(key: PartyKey, text: str, signature: Signature) -> bool:
    try:
        authorship.verify(key.alg, bytes.fromhex(key.public), text.encode(), signature)
    except VerificationError:
        return False
    return True


def _told(form: CommandForm) -> list[tuple[str, str]]:
    """What the member has filled in, in the form's words."""
    told = []
    for field in form.visible_fields():
        value = form.cleaned_data.get(field.name) or ""
        choices: Mapping[str, str] = dict(getattr(field.field, "choices", ()))
        if value:
            chosen = value if isinstance(value, list) else [value]
            told.append((str(field.label), "; ".join(str(choices.get(str(one), one)) for one in chosen)))
    return told
