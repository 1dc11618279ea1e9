"""Keys reach the logs of their party's cases though a nudge is lost or the worker dies."""

import json
import time

from tests.stack import Stack, kill_family

# A case between two parties, and keys of the partner that are registered afterwards.
MAKE = """
import json
from tests import cast, keyholders
people = cast.the_cast()
case = cast.joint_case(people)
keyholders.register_witness(keyholders.FileKey(), by=people.carol)
for _ in range({keys}):
    keyholders.register(keyholders.FileKey(), by=people.carol)
print("made", json.dumps([str(case.pk), str(people.contoso)]))
"""
COPIED = """
    SELECT o.version, o.type FROM ledger_opening o WHERE o.log = %s AND o.stream = 'keys/' || %s
    ORDER BY o.version
"""


def made(stack: Stack, *, keys: int, broker: str = "") -> tuple[str, str]:
    """The case and the partner; with another broker than the worker's, no nudge arrives."""
    usual = dict(stack.env)
    try:
        if broker:
            stack.env["CELERY_BROKER_URL"] = broker
        said = stack.manage("shell", "-c", MAKE.format(keys=keys)).stdout
    finally:
        stack.env = usual
    case, party = json.loads(said.split("made", 1)[1])
    return case, party


def copied(stack: Stack, case: str, party: str, *, at_least: int) -> list[int]:
    """The versions in the case's log once there are so many, or after a minute and a half."""
    deadline = time.monotonic() + 90
    while True:
        versions = [version for version, _ in stack.ask(COPIED, case, party)]
        if len(versions) >= at_least or time.monotonic() > deadline:
            return versions
        time.sleep(0.2)


def test_a_worker_that_hears_of_a_key_copies_it(breakable_stack: Stack) -> None:
    case, party = made(breakable_stack, keys=2)
    assert copied(breakable_stack, case, party, at_least=3) == [1, 2, 3]


def test_lost_nudges_and_dead_workers_lose_no_key(breakable_stack: Stack) -> None:
    case, party = made(breakable_stack, keys=4, broker="redis+socket:///nowhere/broker.sock")
    for _ in range(2):  # a worker that starts looks for what waits
        kill_family(breakable_stack.children()["worker"])
        breakable_stack.wait_until_well()
    assert copied(breakable_stack, case, party, at_least=5) == [1, 2, 3, 4, 5]
    assert "Read models: all in order." in breakable_stack.manage("verify").stdout
