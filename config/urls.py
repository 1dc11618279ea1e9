"""The map of every URL."""

from django.contrib import admin
from django.urls import include, path

from config import answers
from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("api.urls")),
    path("", include("web.urls")),
]
handler400 = answers.bad_request
handler404 = answers.not_found
handler500 = answers.server_error
