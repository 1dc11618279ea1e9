"""`manage.py demo`: builds the demo joint case, or finishes one that was interrupted."""

import json
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cases.demo import witnesses
from cases.demo.joint_case import PARTIES, PEOPLE, build, people_of
from cases.refusals import Refused
from config.instance import write_private


class Command(BaseCommand):
    help = "Build the demo: invented parties and people, a joint case with evidence, logins and witnesses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo is not for production: its logins are written to a file.")
        passwords = demo_passwords()
        say = (lambda line: None) if options["quiet"] else self.stdout.write
        folder = Path(settings.VAR_DIR) / "demo"
        try:
            people = people_of(passwords)
            witnesses.register(folder, people)
            case = build(passwords, say)
            witnesses.equip(folder, people, case, say)
        except Refused as refusal:
            raise CommandError(f"The demo was not built: {refusal.sentence}") from refusal


def logins_file() -> Path:
    """Where the demo's logins are written, readable by their owner alone."""
    return Path(settings.VAR_DIR) / "demo-logins.json"


def demo_passwords() -> dict[str, str]:
    """The password of each demo login; written before the logins are made, so that no crash hides one."""
    path = logins_file()
    if path.exists():
        return {
            login["username"]: login["password"] for login in json.loads(path.read_text(encoding="utf-8"))
        }
    logins = [
        {
            "username": person.username,
            "password": secrets.token_urlsafe(9),
            "name": person.name,
            "party": PARTIES[person.party][0] if person.party else "Host operator",
            "role": person.role,
        }
        for person in PEOPLE
    ]
    write_private(path, logins)
    return {login["username"]: login["password"] for login in logins}
