"""The operator's console at /admin/: Django's admin, for staff alone, holding only what was made for
operators."""

import shutil
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from cases.models import AuthorityHealth, EvidenceItem
from config.health import health
from evidence.models import Ingest


class Console(admin.AdminSite):
    """Signing in and out is the product's own; everything else is read-only or performs commands."""

    site_title = "Countersign"
    site_header = "Countersign operator"
    index_title = "This host"
    site_url = None
    enable_nav_sidebar = True
    index_template = "admin/operator_index.html"

    def register(
        self, model_or_iterable: type[Model] | Iterable[type[Model]], admin_class: Any = None, **options: Any
    ) -> None:
        """Only admins made for operators:
        installed apps would else bring direct edits of users, groups and keys."""
        if getattr(admin_class, "for_operators", False):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff."""
        return bool(request.user.is_active and request.user.is_staff)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The product's sign-in, with its second factor and rate limits; a signed-in member is refused."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        wanted = {"next": request.GET.get("next") or resolve_url("admin:index")}
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode(wanted)}")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The product's sign-out."""
        return redirect("account_logout")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The product's own page."""
        return redirect("account_change_password")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The stock map and the health page."""
        return [path("health/", self.admin_view(self.health_view), name="health"), *super().get_urls()]

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """The checks of /healthz, and how much there is to do and to store."""
        disk = shutil.disk_usage(settings.VAULT_DIR if settings.VAULT_DIR.exists() else settings.VAR_DIR)
        context = self.each_context(request) | {
            "title": "Health",
            "parts": health(),
            "pending": Ingest.objects.filter(pending=True).count(),
            "stuck": Ingest.objects.filter(pending=True, attempts__gt=0).count(),
            "oldest": Ingest.objects.filter(pending=True)
            .order_by("updated_at")
            .values_list("updated_at", flat=True)
            .first(),
            "states": EvidenceItem.objects.order_by("state").values_list("state").annotate(count=Count("pk")),
            "disk": disk,
            "authorities": _authorities(),
        }
        return TemplateResponse(request, "admin/operator_health.html", context)


def _authorities() -> list[tuple[str, AuthorityHealth | None]]:
    """The time stamping authorities that are set up, and how each behaved when it was last asked."""
    known = AuthorityHealth.objects.in_bulk()
    return [(each.name, known.get(each.name)) for each in settings.TIME_STAMP_AUTHORITIES]
