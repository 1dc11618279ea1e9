"""Pages of the console: read-only tables, buttons and forms that perform commands.
Nothing here saves a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from cases import actors
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.acting import Actor
from cases.rules.shape import Command

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, kw_only=True)
class Act(Generic[Row]):
    """A button: when it is there, which command it performs, and what is said afterwards."""

    label: str
    offered: Callable[[Row], bool]
    command: Callable[[Row], Command]
    done: str


class OperatorAdmin(admin.ModelAdmin, Generic[Row]):  # type: ignore[type-arg]
    """A table that staff may look at. What can be done goes through `acts` and, where there is a form,
    `adding`."""

    for_operators = True  # the console registers nothing else
    actions = None
    list_per_page = 50
    show_full_result_count = False
    change_form_template = "admin/operator_change_form.html"
    acts: Mapping[str, Act[Row]] = {}
    adding: type[forms.Form] | None = None
    adding_title = ""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Operators are active staff; Django's permissions per model play no part."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """The same."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Where there is a form that performs."""
        return self.adding is not None and self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Never: read models are written by events alone."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Never."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Row | None = None) -> list[str]:
        """All that is shown."""
        return [str(name) for name in self.fields or ()]

    def get_urls(self) -> list[URLPattern]:
        """The list, the form and one row;
        neither history nor delete, which would show or do what events do not."""
        wrap = self.admin_site.admin_view
        stem = f"{self.opts.app_label}_{self.opts.model_name}"
        found = [path("", wrap(self.changelist_view), name=f"{stem}_changelist")]
        if self.adding is not None:
            found.append(path("add/", wrap(self.add_view), name=f"{stem}_add"))
        return [
            *found,
            path("<path:object_id>/act/<str:name>/", wrap(self.act_view), name=f"{stem}_act"),
            path("<path:object_id>/change/", wrap(self.change_view), name=f"{stem}_change"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The table under its own name."""
        title = str(self.opts.verbose_name_plural).capitalize().replace("Api", "API")
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def named(self, row: Row) -> str:
        """How the console calls a row; a model's own name may say more than an operator shall read."""
        return str(row)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The row with its buttons, under the console's name for it."""
        row = kwargs.get("obj")
        if row is not None:
            offered = [(name, act.label) for name, act in self.acts.items() if act.offered(row)]
            context |= {"title": self.named(row), "subtitle": None, "acts": offered}
        return super().render_change_form(request, context, *args, **kwargs)

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Perform one of the `acts` on a row."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, unquote(object_id))
        act = self.acts.get(name)
        if row is None or act is None or not self.has_view_permission(request, row):
            raise Http404
        try:
            perform(act.command(row), actor=acting(request))
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(request, act.done)
        return redirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form that performs."""
        if self.adding is None or not self.has_add_permission(request):
            raise Http404
        form = self.adding(request.POST or None, label_suffix="")
        if request.method == "POST" and form.is_valid():
            try:
                return self.added(request, form)
            except Refused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": self.adding_title,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/operator_form.html", context)

    def added(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        """Perform what the valid form asks and answer; Refused goes back into the form. Without such a form
        there is nothing to add."""
        raise Http404


def acting(request: HttpRequest) -> Actor:
    """The operator behind a request; the console has checked that it is staff."""
    if not request.user.is_authenticated or not request.user.is_staff:
        raise Http404
    return actors.operator(request.user, via="admin")
