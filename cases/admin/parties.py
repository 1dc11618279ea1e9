"""Parties, members, tokens: registered, admitted, issued through commands."""

from datetime import timedelta
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from cases import tokens
from cases.admin.pages import Act, OperatorAdmin, acting
from cases.models import ApiToken, Member, Party
from cases.perform import perform
from cases.refusals import Refused
from cases.rules import values
from cases.rules.parties import AdmitMember, DisableMember, EnableMember, RegisterParty, RevokeToken


class PartyForm(forms.Form):
    """A party to be registered."""

    name = forms.CharField(max_length=120)
    short_name = forms.CharField(max_length=24, help_text="Shown where room is scarce.")
    kind = forms.ChoiceField(choices=list(values.PARTY_KINDS.items()))


@admin.register(Party)
class PartyAdmin(OperatorAdmin[Party]):
    """The organisations on this host."""

    list_display = ("name", "short_name", "kind", "member_count", "case_count", "registered_at")
    search_fields = ("name", "short_name")
    fields = ("id", "name", "short_name", "kind", "registered_at")
    adding = PartyForm
    adding_title = "Register a party"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Party]:
        """With what the table counts."""
        rows: QuerySet[Party] = super().get_queryset(request)
        return rows.annotate(
            member_count=Count("members", filter=Q(members__active=True), distinct=True),
            case_count=Count("participations", filter=Q(participations__left_at=None), distinct=True),
        )

    @admin.display(description="active members", ordering="member_count")
    def member_count(self, row: Party) -> int:
        """Active members."""
        return int(row.member_count)  # type: ignore[attr-defined]

    @admin.display(description="cases", ordering="case_count")
    def case_count(self, row: Party) -> int:
        """Cases that the party takes part in."""
        return int(row.case_count)  # type: ignore[attr-defined]

    def added(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        """Register the party."""
        said = form.cleaned_data
        command = RegisterParty(
            party=uuid4(), name=said["name"], short_name=said["short_name"], kind_of_party=said["kind"]
        )
        perform(command, actor=acting(request))
        messages.success(request, f"{said['name']} is registered.")
        return redirect("admin:cases_party_changelist")


class MemberForm(forms.Form):
    """A member to be admitted, with a new login or one that acts for nobody yet."""

    party = forms.ModelChoiceField(Party.objects.all())
    role = forms.ChoiceField(choices=list(values.ROLES.items()))
    name = forms.CharField(max_length=120, help_text="As it shall stand in the ledger.")
    title = forms.CharField(
        max_length=120, required=False, help_text="Position, such as “Incident response lead”."
    )
    email = forms.EmailField(max_length=254, required=False, label="E-mail")
    login = forms.ModelChoiceField(
        User.objects.filter(member=None, is_active=True).order_by("username"),
        required=False,
        label="Existing login",
        help_text="Or leave this empty and give a new one.",
    )
    username = forms.CharField(
        max_length=150, required=False, label="New login", validators=[User.username_validator]
    )
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="For the new login; at least 12 characters. The member should change it at first sign-in.",
    )

    def clean_username(self) -> str:
        """A login is unique whatever its case."""
        username = str(self.cleaned_data["username"])
        if username and User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError("This login is taken.")
        return username

    def clean(self) -> dict[str, object]:
        """Either an existing login or a new one with its password."""
        said = super().clean() or {}
        login, username = said.get("login"), said.get("username")
        if login and username:
            self.add_error("username", "Choose an existing login or give a new one, not both.")
        elif not login and username == "":
            self.add_error("username", "Choose an existing login or give a new one.")
        elif username:
            try:
                validate_password(
                    str(said.get("password") or ""), User(username=username, email=said.get("email") or "")
                )
            except forms.ValidationError as error:
                self.add_error("password", error)
        return said


@admin.register(Member)
class MemberAdmin(OperatorAdmin[Member]):
    """The people who act for parties."""

    list_display = ("name", "party", "role", "login", "active", "admitted_at")
    list_filter = ("active", "role", "party")
    list_select_related = ("party", "user")
    search_fields = ("name", "email", "user__username")
    fields = ("id", "name", "title", "email", "party", "role", "login", "last_seen", "active", "admitted_at")
    adding = MemberForm
    adding_title = "Admit a member"
    acts = {
        "disable": Act(
            label="Disable",
            offered=lambda row: row.active,
            command=lambda row: DisableMember(member=row.pk),
            done="The member is disabled: neither login nor tokens act for the party any more.",
        ),
        "enable": Act(
            label="Enable",
            offered=lambda row: not row.active,
            command=lambda row: EnableMember(member=row.pk),
            done="The member may act again.",
        ),
    }

    @admin.display(description="login", ordering="user__username")
    def login(self, row: Member) -> str:
        """The name to sign in with."""
        return row.user.get_username()

    @admin.display(description="last sign-in")
    def last_seen(self, row: Member) -> object:
        """When the login was last used."""
        return row.user.last_login or "never"

    def added(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        """Make the login where a new one is wanted, then admit the member.

        A crash between the two leaves a login that acts for nobody; it can be chosen as an existing one then.
        """
        said = form.cleaned_data
        made = None
        user: User | None = said["login"]
        if user is None:
            user = made = User.objects.create_user(said["username"], said["email"], said["password"])
        command = AdmitMember(
            member=uuid4(),
            party=said["party"].pk,
            user_id=user.pk,
            name=said["name"],
            email=said["email"],
            role=said["role"],
            title=said["title"],
        )
        try:
            perform(command, actor=acting(request))
        except Refused:
            if made:
                made.delete()
            raise
        messages.success(request, f"{said['name']} acts for {said['party']} now.")
        return redirect("admin:cases_member_changelist")


class TokenForm(forms.Form):
    """A token to be issued."""

    member = forms.ModelChoiceField(Member.objects.filter(active=True).select_related("party"))
    label = forms.CharField(max_length=80, help_text="What it is for.")
    days = forms.IntegerField(min_value=1, max_value=366, initial=90, label="Valid for (days)")


@admin.register(ApiToken)
class ApiTokenAdmin(OperatorAdmin[ApiToken]):
    """API tokens; what the host keeps of each is a hash."""

    list_display = ("label", "member", "party", "state", "issued_at", "expires_at")
    list_select_related = ("member__party",)
    list_filter = ("member__party",)
    search_fields = ("label", "member__name")
    fields = ("id", "label", "member", "party", "state", "issued_at", "expires_at", "revoked_at")
    adding = TokenForm
    adding_title = "Issue a token"
    acts = {
        "revoke": Act(
            label="Revoke",
            offered=lambda row: not row.revoked,
            command=lambda row: RevokeToken(token=row.pk),
            done="The token is revoked.",
        ),
    }

    @admin.display(description="party", ordering="member__party__name")
    def party(self, row: ApiToken) -> str:
        """The party that it acts for."""
        return str(row.member.party)

    @admin.display(description="state")
    def state(self, row: ApiToken) -> str:
        """Whether it would be accepted now."""
        if row.revoked:
            return "revoked"
        if row.expires_at <= timezone.now():
            return "expired"
        return "valid" if row.member.active else "member disabled"

    def added(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        """Issue the token and show its secret, this once."""
        said = form.cleaned_data
        lasting = timedelta(days=said["days"])
        secret = tokens.issue(
            member=said["member"].pk, label=said["label"], lasting=lasting, actor=acting(request)
        )
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "The token is issued",
            "secret": secret,
            "member": said["member"],
        }
        return TemplateResponse(request, "admin/operator_secret.html", context)
