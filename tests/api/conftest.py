"""The cast with their tokens, and a joint case."""

from dataclasses import dataclass

import pytest

from api.throttle import PerToken
from cases.models import Case
from tests.api.client import Api, api_of
from tests.cast import Cast, joint_case, the_cast


@dataclass(frozen=True)
class Scene:
    """A joint case of Northwind and Contoso, and a client for each who asks."""

    cast: Cast
    case: Case
    alice: Api
    carol: Api
    rhea: Api
    mallory: Api

    @property
    def path(self) -> str:
        """Where the case is."""
        return f"/cases/{self.case.pk}"


@pytest.fixture
def scene(db: None) -> Scene:
    """Everything in place; nobody has been throttled."""
    PerToken.cache.clear()
    cast = the_cast()
    clients = [api_of(one) for one in (cast.alice, cast.carol, cast.rhea, cast.mallory)]
    return Scene(cast, joint_case(cast), *clients)
