"""Erasing values: what goes, what stays, who may, and that the log verifies on."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connections, transaction

from ledger import commitments, leaf, reading
from ledger.erasure import erase
from ledger.errors import Misuse, NoSuchEntry, NotErasable
from ledger.log import open_for_writing
from ledger.verify import verify_log
from tests.ledger.conftest import ALICE, NORTHWIND, Superuser, Writer, draft


@pytest.fixture
def log(writer: Writer) -> Writer:
    writer.write(draft(subject="Jane Roe", mail="jane@example.org", zip=12345), draft(purpose="see"))
    return writer


def erased(log: Writer, index: int, *fields: str) -> dict[str, str]:
    with transaction.atomic():
        return dict(erase(log.log, index, fields))


def test_salt_and_value_go_and_the_digest_stays(log: Writer, superuser: Superuser) -> None:
    before = reading.read_entries(log.log)
    assert before[0].opening is not None
    salt, value = before[0].opening["subject"]
    digests = erased(log, 0, "subject")
    assert digests["subject"] == commitments.field_digest(bytes.fromhex(salt), "subject", value).hex()
    (row, _) = reading.read_entries(log.log)
    assert (row.leaf, row.erased) == (before[0].leaf, digests)
    assert row.opening == {name: one for name, one in before[0].opening.items() if name != "subject"}
    stored = superuser.connection.execute(
        "SELECT o::text FROM ledger_opening o WHERE log = %s AND index = 0", (log.log,)
    ).fetchone()
    assert stored is not None
    assert "Jane" not in stored[0]
    assert salt not in stored[0]
    (event, _) = reading.read_events(log.log)
    assert event.fields == {"mail": "jane@example.org", "zip": 12345}
    assert erased(log, 0, "zip", "subject") == {
        **digests,
        "zip": reading.read_entries(log.log)[0].erased["zip"],
    }
    assert erased(log, 0, "mail").keys() == {"mail"}
    assert erased(log, 0, "mail", "zip").keys() == {"mail", "zip"}
    (row, _) = reading.read_entries(log.log)
    shown = [commitments.field_digest(bytes.fromhex(s), n, v) for n, (s, v) in (row.opening or {}).items()]
    hidden = [bytes.fromhex(one) for one in row.erased.values()]
    assert (len(shown), len(hidden)) == (6, 3)
    assert commitments.commit_digests(shown + hidden) == leaf.parse(row.leaf).commit
    assert verify_log(log.log) == []
    log.grow([2])
    assert verify_log(log.log) == []


def test_erasing_and_saying_so_are_one_transaction(log: Writer) -> None:
    command = uuid4()
    with transaction.atomic():
        opened = open_for_writing(
            log.log, kind="case", command_id=command, command_digest="d", streams=["case"]
        )
        digests = erase(log.log, 0, ["mail"])
        opened.log.append(
            [draft(index=0, erased=dict(digests))],
            party=NORTHWIND, actor=ALICE, command_id=command, command_digest="d",
        )  # fmt: skip
        transaction.set_rollback(True)
    assert (reading.read_entries(log.log)[0].opening or {})["mail"][1] == "jane@example.org"
    with pytest.raises(Misuse):
        erase(log.log, 0, ["mail"])


def test_what_cannot_be_erased(log: Writer) -> None:
    for index, field, refusal in (
        (0, "actor", NotErasable),
        (0, "type", NotErasable),
        (0, "unknown", NotErasable),
        (2, "mail", NoSuchEntry),
    ):
        with pytest.raises(refusal):
            erased(log, index, "mail", field)
    assert (reading.read_entries(log.log)[0].opening or {}).keys() >= {"mail"}
    assert erased(log, 0) == {}


def sql(alias: str, statement: str, parameters: Sequence[Any]) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters)


def all_digests(log: UUID) -> dict[str, bytes]:
    opening = reading.read_entries(log)[0].opening or {}
    return {name: commitments.field_digest(bytes.fromhex(s), name, v) for name, (s, v) in opening.items()}


@pytest.mark.parametrize("alias", ["default", "owner"])
def test_the_function_does_one_thing_only(log: Writer, alias: str) -> None:
    digests = all_digests(log.log)
    call = "SELECT ledger_erase(%s, 0, %s::jsonb, %s)"
    right, zero = {"mail": digests["mail"].hex()}, bytes(32)
    bad = [
        ({"mail": zero.hex()}, list(digests.values())),
        ({"mail": zero.hex()}, [*digests.values(), zero]),
        (right, [zero if name == "zip" else digest for name, digest in digests.items()]),
        (right, [digests["mail"]]),
        (right, []),
        ({"actor": digests["actor"].hex()}, list(digests.values())),
        ({"mail": digests["mail"].hex().upper()}, list(digests.values())),
        ({}, list(digests.values())),
    ]
    for named, given in bad:
        with pytest.raises(IntegrityError, match=r"not those of the entry|nothing else in it changes"):
            sql(alias, call, (log.log, json.dumps(named), given))
    with pytest.raises(ProgrammingError, match="permission denied"):
        sql("default", "UPDATE ledger_opening SET erased = '{}' WHERE log = %s", (log.log,))
    assert verify_log(log.log) == []
    sql(alias, call, (log.log, json.dumps(right), list(digests.values())))
    assert verify_log(log.log) == []


NO_ZIP, CUT = "body = body - 'zip'", "salts = substr(salts, 1, 256)"
DIGEST = "erased = jsonb_build_object('zip', repeat('0', 64))"


@pytest.mark.parametrize(
    "change",
    [
        "erased = '{}'",
        "erased = jsonb_build_object('zip', repeat('0', 64))",
        f"{NO_ZIP}, {CUT}",
        f"{NO_ZIP}, {DIGEST}, salts = substr(salts, 33)",
        f"{NO_ZIP} - 'mail', {CUT}, {DIGEST}",
        f"body = jsonb_set(body - 'zip', '{{mail}}', '1'), {CUT}, {DIGEST}",
        f"{NO_ZIP}, {CUT}, erased = jsonb_build_object('zip', repeat('0', 63))",
        f"{NO_ZIP}, {CUT}, {DIGEST}, type = 'X'",
        "body = body - 'version', salts = substr(salts, 1, 224) || substr(salts, 257),"
        + DIGEST.replace("zip", "version"),
    ],
)
def test_the_owner_cannot_change_an_opening_in_another_way(log: Writer, change: str) -> None:
    with pytest.raises(IntegrityError, match="nothing else in it changes"):
        sql("owner", f"UPDATE ledger_opening SET {change} WHERE log = %s AND index = 0", (log.log,))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("jsonb_set(erased, '{mail}', to_jsonb(repeat('0', 64)))", "was changed"),
        ("'{}'", "was changed"),
        ("NULL", "was changed"),
        ("'[]'", "as it should"),
        ('erased || \'{"zip": "00"}\'', "as it should"),
        ("jsonb_build_object('mail', 7)", "as it should"),
    ],
)
def test_a_changed_digest_is_a_finding(log: Writer, superuser: Superuser, value: str, sentence: str) -> None:
    erased(log, 0, "mail")
    superuser.change(
        f"UPDATE ledger_opening SET erased = {value} WHERE log = %(log)s AND index = 0", {"log": log.log}
    )
    (finding,) = verify_log(log.log)
    assert finding.index == 0
    assert sentence in finding.sentence
