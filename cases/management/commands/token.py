"""manage.py token: a new API token."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import tokens
from cases.actors import operator
from cases.models import Member
from cases.refusals import Refused


class Command(BaseCommand):
    """Prints a new token of a user's member, alone on standard output. It is shown this once; only its hash
    is kept."""

    help = "Print a new API token for USER."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name of a member")
        parser.add_argument("--label", default="Command line", help="what the token is for")
        parser.add_argument(
            "--days", type=int, default=90, help="days until it expires (1 to 366, default 90)"
        )

    def handle(self, *args: Any, user: str, label: str, days: int, **options: Any) -> None:
        if not 1 <= days <= 366:
            raise CommandError("A token lives 1 to 366 days.")
        member = Member.objects.filter(user__username=user).first()
        if member is None:
            raise CommandError(f"{user} is not a member of any party.")
        try:
            secret = tokens.issue(
                member=member.pk, label=label, lasting=timedelta(days=days), actor=operator()
            )
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        self.stdout.write(secret)
