"""Puts the operator's console where Django would put its stock admin site."""

from django.contrib.admin.apps import AdminConfig


class OperatorConsole(AdminConfig):
    """The admin app with our site."""

    default_site = "config.console.Console"
