"""The map of /api/v1/. Ids are UUIDs, references or numbers; anything else is simply not there."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, path, re_path, register_converter, resolve
from django.views.decorators.csrf import csrf_exempt

from api.problems import NOT_FOUND, Problem, answer
from api.schema import SchemaView
from api.views import (
    cases,
    custody,
    erasure,
    evidence,
    export,
    insight,
    keys,
    ledger,
    proof,
    referrals,
    search,
    sharing,
    together,
    witnesses,
)


class Id:
    """A UUID, a case's reference or an item's number."""

    regex = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"

    def to_python(self, value: str) -> str:
        """As given."""
        return value

    def to_url(self, value: object) -> str:
        """As text."""
        return str(value)


class Ordinal:
    """A whole number that fits the ledger and the line counts."""

    regex = "[0-9]{1,15}"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """As text."""
        return str(value)


register_converter(Id, "id")
register_converter(Ordinal, "ordinal")


@csrf_exempt
def elsewhere(request: HttpRequest) -> HttpResponseBase:
    """Any other path: with a trailing slash it means the route without it, else there is nothing here."""
    if request.path.endswith("/"):
        try:
            found = resolve(request.path_info[:-1])
        except Resolver404:
            return nothing(request)
        if found.func is not elsewhere:
            answered: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
            return answered
    return nothing(request)


def nothing(request: HttpRequest) -> HttpResponse:
    """404 as a problem."""
    return answer(Problem(404, "not-found", NOT_FOUND), request)


app_name = "api"
_case = "cases/<id:case>"
_referral = "referrals/<id:referral>"
_item = f"{_case}/evidence/<id:item>"
urlpatterns = [
    path("schema", SchemaView.as_view(), name="schema"),
    path("me", cases.Me.as_view(), name="me"),
    path("keys", keys.Keys.as_view(), name="keys"),
    path("keys/statement", keys.Statement.as_view(), name="key_statement"),
    path("keys/signatures-required", keys.SignaturesRequired.as_view(), name="signatures_required"),
    path("keys/intents", keys.KeyIntents.as_view(), name="key_intents"),
    path("keys/<id:key>/rotate", keys.Rotate.as_view(), name="key_rotate"),
    path("keys/<id:key>/revoke", keys.Revoke.as_view(), name="key_revoke"),
    path("referrals", referrals.Referrals.as_view(), name="referrals"),
    path("referrals/intents", referrals.SendingIntent.as_view(), name="referral_intents"),
    path(_referral, referrals.OneReferral.as_view(), name="referral"),
    path(f"{_referral}/accept", referrals.AcceptOne.as_view(), name="referral_accept"),
    path(f"{_referral}/intents", referrals.AcceptanceIntent.as_view(), name="referral_accept_intent"),
    path(f"{_referral}/refuse", referrals.RefuseOne.as_view(), name="referral_refuse"),
    path(f"{_referral}/ask", referrals.AskOne.as_view(), name="referral_ask"),
    path(f"{_referral}/answer", referrals.AnswerOne.as_view(), name="referral_answer"),
    path(f"{_referral}/withdraw", referrals.WithdrawOne.as_view(), name="referral_withdraw"),
    path(f"{_referral}/consent", referrals.ConsentOne.as_view(), name="referral_consent"),
    path("cases", cases.Cases.as_view(), name="cases"),
    path(_case, cases.OneCase.as_view(), name="case"),
    path(f"{_case}/status", cases.Status.as_view(), name="status"),
    path(f"{_case}/hold", cases.Hold.as_view(), name="hold"),
    path(f"{_case}/parties", together.CaseParties.as_view(), name="parties"),
    path(f"{_case}/parties/leave", together.Leave.as_view(), name="leave"),
    path(
        f"{_case}/parties/proposals/<id:proposal>/<id:answer>",
        together.PartyProposal.as_view(),
        name="party_proposal",
    ),
    path(f"{_case}/closing/<id:proposal>/<id:answer>", together.Closing.as_view(), name="closing"),
    path(f"{_case}/lead", together.Lead.as_view(), name="lead"),
    path(f"{_case}/lead/<id:proposal>/<id:answer>", together.LeadProposal.as_view(), name="lead_proposal"),
    path(f"{_case}/intents", keys.CaseIntents.as_view(), name="case_intents"),
    path(f"{_case}/evidence", evidence.Evidence.as_view(), name="evidence"),
    path(_item, evidence.OneItem.as_view(), name="item"),
    path(f"{_item}/custody", evidence.Custody.as_view(), name="custody"),
    path(f"{_item}/custody/offers", custody.Offers.as_view(), name="custody_offers"),
    path(f"{_item}/custody/intents", custody.Intents.as_view(), name="custody_intents"),
    path(f"{_item}/custody/offer", custody.Offer.as_view(), name="custody_offer"),
    path(f"{_item}/custody/return", custody.Return.as_view(), name="custody_return"),
    path(f"{_item}/custody/accept", custody.Accept.as_view(), name="custody_accept"),
    path(f"{_item}/custody/refuse", custody.Refuse.as_view(), name="custody_refuse"),
    path(f"{_item}/custody/withdraw", custody.Withdraw.as_view(), name="custody_withdraw"),
    path(f"{_item}/custody/release", custody.Release.as_view(), name="custody_release"),
    path(f"{_item}/custody/disposal", custody.NewDisposal.as_view(), name="custody_disposal"),
    path(f"{_item}/custody/dispose", custody.Dispose.as_view(), name="custody_dispose"),
    path(f"{_item}/custody/call-off", custody.CallOff.as_view(), name="custody_call_off"),
    path(f"{_item}/custody/correct", custody.Correct.as_view(), name="custody_correct"),
    path(f"{_item}/custody/move", custody.Move.as_view(), name="custody_move"),
    path(f"{_item}/extract", custody.Extract.as_view(), name="extract"),
    path(f"{_case}/objects", custody.Objects.as_view(), name="objects"),
    path(f"{_item}/content", evidence.Content.as_view(), name="content"),
    path(f"{_item}/rejects", search.Rejects.as_view(), name="rejects"),
    path(f"{_item}/records/<ordinal:line>", search.OneRecord.as_view(), name="record"),
    path(f"{_case}/shares", sharing.Shares.as_view(), name="shares"),
    path(f"{_case}/shares/<id:share>", sharing.OneShare.as_view(), name="share"),
    path(f"{_case}/shares/<id:share>/accept", sharing.Accept.as_view(), name="share_accept"),
    path(f"{_case}/shares/<id:share>/refuse", sharing.Refuse.as_view(), name="share_refuse"),
    path(f"{_case}/shares/<id:share>/revoke", sharing.Revoke.as_view(), name="share_revoke"),
    path(f"{_case}/shares/<id:share>/give-up", sharing.GiveUp.as_view(), name="share_give_up"),
    path(f"{_case}/exposure", insight.Exposure.as_view(), name="exposure"),
    path(f"{_case}/why", insight.Why.as_view(), name="why"),
    path(f"{_case}/view-as", insight.ViewAs.as_view(), name="view_as"),
    path(f"{_case}/knowledge", insight.Knowledge.as_view(), name="knowledge"),
    path(f"{_case}/search", search.Search.as_view(), name="search"),
    path(f"{_case}/histogram", search.Histogram.as_view(), name="histogram"),
    path(f"{_case}/aggregate", search.Aggregate.as_view(), name="aggregate"),
    path(f"{_case}/fields", search.Fields.as_view(), name="fields"),
    path(f"{_case}/ledger", ledger.Ledger.as_view(), name="ledger"),
    path(f"{_case}/ledger/entries", ledger.Entries.as_view(), name="entries"),
    path(f"{_case}/ledger/entries/<ordinal:index>", ledger.OneEntry.as_view(), name="entry"),
    path(f"{_case}/ledger/entries/<ordinal:index>/erase", erasure.Erase.as_view(), name="erase"),
    path(f"{_case}/ledger/entries/<ordinal:index>/proof", proof.EntryProof.as_view(), name="proof"),
    path(f"{_case}/ledger/checkpoint", proof.NewestCheckpoint.as_view(), name="checkpoint"),
    path(f"{_case}/ledger/leaves", proof.Leaves.as_view(), name="leaves"),
    path(f"{_case}/ledger/consistency", proof.Consistency.as_view(), name="consistency"),
    path(f"{_case}/ledger/policy", proof.Policy.as_view(), name="policy"),
    path(f"{_case}/ledger/cosignatures", witnesses.Cosignatures.as_view(), name="cosignatures"),
    path(f"{_case}/ledger/seen", witnesses.Seen.as_view(), name="seen"),
    path(f"{_case}/ledger/refeed", witnesses.Refeed.as_view(), name="refeed"),
    path(f"{_case}/ledger/refeed/checkpoint", witnesses.RefeedCheckpoint.as_view(), name="refeed_checkpoint"),
    path(f"{_case}/ledger/refeed/openings", witnesses.RefeedOpenings.as_view(), name="refeed_openings"),
    path(f"{_case}/ledger/export", export.Export.as_view(), name="export"),
    re_path("", elsewhere),
]
