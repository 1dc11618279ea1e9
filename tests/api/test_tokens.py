"""Who gets in, and what those hear who do not."""

import secrets
from datetime import timedelta

import pytest

from api.throttle import PerToken
from cases import tokens
from cases.models import ApiToken
from cases.perform import perform
from cases.rules.parties import DisableMember, RevokeToken
from tests.api.client import Api, is_problem
from tests.api.conftest import Scene


def test_a_token_acts_as_its_member(scene: Scene) -> None:
    said = scene.alice.get("/me").json()
    assert said["member"] == str(scene.cast.alice.member)
    assert said["role"] == "lead_investigator"
    assert said["party"]["id"] == str(scene.cast.northwind)


def test_only_the_hash_of_a_secret_is_kept(scene: Scene) -> None:
    assert scene.alice.token is not None
    assert scene.alice.token.startswith("cst_")
    assert len(scene.alice.token) >= 4 + 43  # 256 bits in base64url
    kept = ApiToken.objects.filter(member=scene.cast.alice.member).values_list("secret_sha256", flat=True)
    assert all(scene.alice.token not in one for one in kept)


def test_without_a_token(scene: Scene) -> None:
    response = Api().get("/cases")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="countersign"'


@pytest.mark.parametrize("header", ["", "Basic YWxpY2U6eA==", "Token x"])
def test_other_schemes_are_no_token(scene: Scene, header: str) -> None:
    assert Api().get("/cases", headers={"Authorization": header}).status_code == 401


def test_a_session_is_no_token(scene: Scene) -> None:
    api = Api()
    api.client.force_login(scene.cast.alice.user)
    assert api.get("/cases").status_code == 401


def test_every_token_that_does_not_hold_is_answered_alike(scene: Scene) -> None:
    alice = scene.cast.alice
    expired = tokens.issue(member=alice.member, label="old", lasting=timedelta(seconds=-1), actor=alice.actor)
    revoked = tokens.issue(member=alice.member, label="lost", lasting=timedelta(days=1), actor=alice.actor)
    token = ApiToken.objects.get(member=alice.member, label="lost")
    perform(RevokeToken(token=token.pk), actor=alice.actor)
    disabled = scene.carol.token
    perform(DisableMember(member=scene.cast.carol.member), actor=scene.cast.operator)
    answers = []
    for secret in (expired, revoked, disabled, f"cst_{secrets.token_urlsafe(32)}", "x", "é", "a b c", ""):
        response = Api().get("/me", headers={"Authorization": f"Bearer {secret}".encode().decode("latin-1")})
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == 'Bearer realm="countersign", error="invalid_token"'
        answers.append(response.content)
    assert len(set(answers)) == 1


def test_a_token_sees_what_its_party_sees(scene: Scene) -> None:
    mine = [one["id"] for one in scene.carol.get("/cases").json()["results"]]
    assert mine == [str(scene.case.pk)]
    assert scene.mallory.get("/cases").json() == {"results": [], "next": None}


def test_too_many_requests(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PerToken, "rate", "3/min", raising=False)
    statuses = [scene.alice.get("/me").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    response = scene.alice.get("/me")
    assert int(response["Retry-After"]) >= 1
    assert is_problem(response)["type"].endswith(":throttled")
