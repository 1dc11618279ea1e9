"""The one door: every change to a case or to the parties of this host goes through perform()."""

from ledger.entries import Receipt

from cases.rules.acting import Actor
from cases.rules.shape import Command


def perform(command: Command, *, actor: Actor) -> Receipt:
    """Do what `command` asks, or raise Refused and leave no trace."""
    raise NotImplementedError
