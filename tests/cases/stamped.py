"""Authorities that stamp, and cases to be stamped: what the tests of time stamps share."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from cases import proof, stamping
from cases.models import Case
from cases.perform import perform
from cases.rules.case import ReviseCase
from ledger import reading, timestamps
from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.timestamps import Authority, Stamped
from tests import cast, keyholders
from tests.ledger.authority import make, serve
from tests.ledger.conftest import Witness

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOBODY = Authority("Nobody", "http://127.0.0.1:9/", "")


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An authority's folder and its root certificate."""
    folder = tmp_path_factory.mktemp("tsa")
    return folder, make(folder)


@pytest.fixture
def first(tsa: tuple[Path, str], settings: Settings) -> Iterator[Authority]:
    """One authority, set up and answering."""
    with serve(*tsa) as authority:
        settings.TIME_STAMP_AUTHORITIES = (authority,)
        yield authority


@pytest.fixture
def second(tsa: tuple[Path, str], first: Authority, settings: Settings) -> Iterator[Authority]:
    """Another one beside it."""
    with serve(*tsa) as authority:
        named = replace(authority, name="Other authority")
        settings.TIME_STAMP_AUTHORITIES = (first, named)
        yield named


@dataclass
class Scene:
    """A joint case; the witnesses of lead and partner, where they are brought in."""

    people: cast.Cast = field(default_factory=cast.the_cast)
    witnesses: list[Witness] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.case: Case = cast.joint_case(self.people)
        self.started = reading.read_entries(self.case.pk)[0].recorded_at

    @property
    def size(self) -> int:
        head = reading.head(self.case.pk)
        assert head is not None
        return head.size

    def with_witnesses(self) -> None:
        for person, name in (
            (self.people.alice, "northwind.example/w"),
            (self.people.carol, "contoso.example/w"),
        ):
            key = keyholders.FileKey()
            keyholders.register_witness(key, by=person, name=name)
            self.witnesses.append(Witness(name, key.private))

    def cosign(self, size: int | None = None) -> int:
        """Lead and partner countersign so many entries, or all."""
        size = size or self.size
        for witness in self.witnesses:
            line = witness.cosign(checkpoint_note(self.case.pk, size), int(datetime.now(UTC).timestamp()))
            add_cosignatures(self.case.pk, line, proof.witness_keys(self.case.pk), size=size)
        return size

    def grow(self, severity: str = "low") -> datetime:
        return perform(
            ReviseCase(case=self.case.pk, severity=severity), actor=self.people.alice.actor
        ).recorded_at

    def close(self) -> datetime:
        return cast.close(self.case.pk, by=self.people.alice, agreeing=[self.people.carol]).recorded_at

    def round(self, at: datetime) -> list[tuple[str, int]]:
        """Who stamped what in a round that is held at a time."""
        done = stamping.stamp_due(self.case.pk, at=at)
        assert {case for case, _ in done.stamped} <= {self.case.pk}
        return [(stamped.authority, stamped.size) for _, stamped in done.stamped]


@pytest.fixture
def scene(committed_db: None) -> Scene:
    return Scene()


def held(scene: Scene) -> list[Stamped]:
    return timestamps.time_stamps(scene.case.pk)
