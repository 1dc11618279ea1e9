"""Makes api a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The app named after its folder."""

    name = "api"
