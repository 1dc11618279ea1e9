"""My cases, a case's front page, and the steps that its status takes."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cases import listings, policy, reads, together
from cases import proof as proofs
from cases.actors import Actor
from cases.models.case import STATUSES
from cases.perform import perform
from cases.refusals import Refused, Unseen
from cases.rules import case as commands
from web import charts, receipts
from web import signing as hand
from web.board import ANSWERS, STEPS, Board, Pressed, tried
from web.door import command_id, made_from, member_view, page_number, whole_or_part
from web.forms.case import CaseForm
from web.views.frame import CasePage

PAGE = 50
# On the front page of a case: lanes drawn, items listed, and how far it counts the rest.
LANES, SHOWN, MANY = 16, 25, 200


def may_create(actor: Actor) -> bool:
    return actor.role in policy.POLICY["CreateCase"].who.split()


@member_view("GET", "HEAD")
def case_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The cases that the actor's party takes part in."""
    text = request.GET.get("text", "").strip()[:200]
    status = request.GET.get("status", "") if request.GET.get("status") in STATUSES else ""
    page = page_number(request)
    found = listings.with_parties(reads.my_cases(actor, status=status or None, text=text or None))
    cases = list(found[(page - 1) * PAGE : page * PAGE + 1])
    older = len(cases) > PAGE
    cases = cases[:PAGE]
    counts = listings.item_counts(actor, [case.pk for case in cases])
    for case in cases:
        case.shown_parties = [part.party for part in case.shown_parts]  # type: ignore[attr-defined]
        case.shown_items = counts.get(case.pk, 0)  # type: ignore[attr-defined]
    query = request.GET.copy()
    query["page"] = str(page + 1)
    context = {
        "place": "cases",
        "cases": cases,
        "text": text,
        "status": status,
        "statuses": list(STATUSES),
        "has_any": bool(cases) or (bool(text or status) and reads.my_cases(actor).exists()),
        "may_create": may_create(actor),
        "more": query.urlencode() if older else "",
        "page_number": page,
    }
    return whole_or_part(request, "web/cases/list.html", "web/cases/rows.html", context)


@member_view("GET", "HEAD", "POST")
def case_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Create a case, in draft."""
    if not may_create(actor):
        raise Refused(
            "role",
            "Your role does not let you create a case; ask a lead investigator of your party.",
            status=403,
        )
    form = CaseForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            id_ = command_id(request)
            said = {name: form.cleaned_data[name] for name in commands.SAID}
            case = made_from(id_, "case")
            try:
                receipt = perform(commands.CreateCase(id=id_, case=case, **said), actor=actor)
                made = reads.case(actor, case).reference
                receipts.give(request, receipt, case=made)
                return redirect("case", made)
            except Refused as refused:
                form.refused(refused)
                status = refused.status
        else:
            status = 422
    return render(request, "web/cases/form.html", {"form": form, "place": "cases"}, status=status)


@member_view("GET", "HEAD", "POST")
def case_revise(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Change what is said about a case."""
    case = reads.case(actor, reference)
    if "ReviseCase" not in policy.offers(actor, case):
        raise Refused("role", "The case cannot be revised by you as it stands now.", status=403)
    form = CaseForm(request.POST or None, initial={name: getattr(case, name) for name in commands.SAID})
    status = 200
    if request.method == "POST":
        if form.is_valid():
            said = {name: form.cleaned_data[name] for name in commands.SAID}
            try:
                command = commands.ReviseCase(id=command_id(request), case=case.pk, **said)
                receipts.give(request, perform(command, actor=actor), case=case.reference)
                return redirect("case", case.reference)
            except Refused as refused:
                form.refused(refused)
                status = refused.status
        else:
            status = 422
    doubt = proofs.doubt(actor, case)
    context = {"form": form, "case": case, "place": "case", "doubt": doubt}
    return render(request, "web/cases/form.html", context, status=status)


def overview(request: HttpRequest, page: CasePage, board: Board, *, status: int = 200) -> HttpResponse:
    """The front page of a case with these steps and questions on it."""
    items = list(reads.items(page.actor, page.case)[: MANY + 1])
    context = page.context(
        items=items[:SHOWN],
        left=len(items[SHOWN:MANY]),
        many=len(items) > MANY,
        lanes=charts.lanes(items[:LANES]),
        board=board,
        holds=[part for part in page.parts if part.hold_reason],
    )
    return render(request, "web/cases/overview.html", context, status=status)


@member_view("GET", "HEAD")
def case_overview(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """The front page of a case."""
    page = CasePage(actor, reference, "overview", with_members=True)
    return overview(request, page, Board(page))


@member_view("POST")
def case_step(request: HttpRequest, actor: Actor, reference: str, name: str) -> HttpResponse:
    """Do one of the steps that the front page offers."""
    if name not in STEPS:
        raise Unseen
    page = CasePage(actor, reference, "overview", with_members=True)
    form = tried(page, name, request.POST)
    return _press(request, page, Pressed(name=name, label=STEPS[name][0], form=form))


@member_view("POST")
def case_answer(
    request: HttpRequest, actor: Actor, reference: str, proposal: UUID, name: str
) -> HttpResponse:
    """Answer or withdraw what a party of the case has proposed."""
    if name not in ANSWERS:
        raise Unseen
    page = CasePage(actor, reference, "overview", with_members=True)
    asked = together.question(actor, page.case, proposal)
    _, label, _, of = ANSWERS[name]
    form = of(request.POST, auto_id=f"id_{name}_{proposal}_%s")
    return _press(request, page, Pressed(name=name, label=label, form=form, proposal=asked.proposal.pk))


def _press(request: HttpRequest, page: CasePage, pressed: Pressed) -> HttpResponse:
    actor, form, label, status = page.actor, pressed.form, pressed.label, 422
    if form.is_valid():
        try:
            command = pressed.command(command_id(request), page.case)
            if hand.wanted(request):
                return hand.draw(request, actor, command, form, case=page.case, title=label)
            receipt = perform(command, actor=actor, authorship=hand.given(request, actor))
            receipts.give(request, receipt, case=page.case.reference)
            return redirect("cases" if pressed.name == "LeaveCase" else "case", *pressed.back(page.case))
        except Refused as refused:
            form.refused(refused)
            status = refused.status
    if hand.by_script(request):
        return hand.trouble(form)
    board = Board(page, pressed=pressed)
    if not board.shows_pressed:
        told = "; ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, f"{label}: {told}")
    return overview(request, page, board, status=status)
