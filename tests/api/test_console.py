"""The operator's console: staff alone, commands alone, and nothing of what cases say."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from cases import actors
from cases.models import ApiToken, Case, EvidenceItem, Member, Party
from cases.perform import perform
from cases.rules.custody import QuarantineEvidence
from evidence.models import Ingest
from ledger.models import Entry
from tests.api.client import Api
from tests.api.conftest import Scene
from tests.cast import PASSWORD, sealed_item

LISTS = (
    "cases_party",
    "cases_member",
    "cases_apitoken",
    "cases_case",
    "cases_evidenceitem",
    "evidence_ingest",
)


@pytest.fixture
def olga(scene: Scene) -> Client:
    """The operator's browser."""
    client = Client()
    client.force_login(scene.cast.olga)
    return client


def quarantined(scene: Scene) -> EvidenceItem:
    """An item that the worker gave up."""
    item = sealed_item(scene.cast, scene.case, title="Secret title", filename="secret-name.jsonl")
    command = QuarantineEvidence(case=scene.case.pk, item=item.pk, step="parse", reason="It cannot be read.")
    perform(command, actor=actors.worker_for(scene.cast.northwind))
    Ingest.objects.filter(pk=item.pk).update(error='ConversionException: cannot read "secret-value"')
    return EvidenceItem.objects.get(pk=item.pk)


def rows(scene: Scene) -> dict[str, object]:
    """One row of each list."""
    return {
        "cases_party": scene.cast.northwind,
        "cases_member": scene.cast.alice.member,
        "cases_apitoken": ApiToken.objects.get(member=scene.cast.alice.member).pk,
        "cases_case": scene.case.pk,
        "cases_evidenceitem": quarantined(scene).pk,
        "evidence_ingest": EvidenceItem.objects.get(case=scene.case).pk,
    }


def test_every_page_opens_for_the_operator_and_tells_nothing_of_a_case(scene: Scene, olga: Client) -> None:
    pages = [reverse("admin:index"), reverse("admin:health"), reverse("admin:app_list", args=["cases"])]
    for name, key in rows(scene).items():
        pages += [reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_change", args=[key])]
        pages.append(reverse(f"admin:{name}_changelist") + "?q=x")
    for page in pages:
        response = olga.get(page)
        assert response.status_code == 200, page
        text = response.content.decode()
        for secret in (
            scene.case.title,
            scene.case.summary,
            "Secret title",
            "secret-name",
            "Contract, clause 7",
        ):
            assert secret not in text, page
        assert "/delete/" not in text, page
        assert "/history/" not in text, page
        assert 'name="_save"' not in text, page
    assert "ConversionException" in olga.get(reverse("admin:evidence_ingest_changelist")).content.decode()
    assert scene.case.reference in olga.get(reverse("admin:cases_case_changelist")).content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_there_is_no_way_to_delete_or_save(scene: Scene, olga: Client, name: str) -> None:
    key = rows(scene)[name]
    base = reverse(f"admin:{name}_changelist")
    assert olga.get(f"{base}{key}/delete/").status_code in (302, 404)
    assert olga.get(f"{base}{key}/history/").status_code in (302, 404)
    before = Entry.objects.count()
    changed = olga.post(
        f"{base}{key}/change/", {"name": "Mallory", "title": "x", "reference": "x", "label": "x"}
    )
    assert changed.status_code == 403
    olga.post(base, {"action": "delete_selected", "_selected_action": [str(key)]})
    assert Entry.objects.count() == before
    assert str(key) in {str(value) for value in rows_of(name)}


def rows_of(name: str) -> list[object]:
    """The keys of a list's model."""
    models = {f"{one._meta.app_label}_{one._meta.model_name}": one for one in admin.site._registry}
    return list(models[name]._default_manager.values_list("pk", flat=True))


def test_only_what_was_made_for_operators_is_there() -> None:
    found = {f"{one._meta.app_label}_{one._meta.model_name}" for one in admin.site._registry}
    assert found == set(LISTS)
    assert User not in admin.site._registry
    assert Group not in admin.site._registry


@pytest.mark.parametrize("who", ["alice", "mallory", "nobody", "retired"])
def test_nobody_else_gets_in(scene: Scene, who: str) -> None:
    client = Client()
    if who == "retired":
        User.objects.filter(pk=scene.cast.olga.pk).update(is_active=False)
        client.force_login(scene.cast.olga)
    elif who != "nobody":
        client.force_login(getattr(scene.cast, who).user)
    pages = [reverse("admin:index"), reverse("admin:health"), reverse("admin:cases_member_add")]
    pages += [reverse(f"admin:{name}_changelist") for name in LISTS]
    for page in pages:
        response = client.get(page, follow=True)
        if who in ("nobody", "retired"):
            assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
        else:
            assert response.status_code == 403
    before = Entry.objects.count()
    act = reverse("admin:cases_member_act", args=[scene.cast.bob.member, "disable"])
    assert client.post(act).status_code in (302, 403)
    assert Entry.objects.count() == before


def test_register_a_party(scene: Scene, olga: Client) -> None:
    add = reverse("admin:cases_party_add")
    assert olga.get(add).status_code == 200
    name = f"Fabrikam {scene.cast.northwind.hex[:6]}"
    form = {"name": name, "short_name": name, "kind": "company"}
    assert olga.post(add, form).status_code == 302
    assert Party.objects.filter(name=name).exists()
    again = olga.post(add, form)
    assert again.status_code == 200
    assert "Another party has this name" in again.content.decode()


def test_admit_a_member_with_a_new_login(scene: Scene, olga: Client) -> None:
    add = reverse("admin:cases_member_add")
    login = f"erin-{scene.cast.northwind.hex[:6]}"
    form = {
        "party": str(scene.cast.contoso),
        "role": "counsel",
        "name": "Erin",
        "email": "erin@example.org",
        "username": login,
        "password": PASSWORD,
    }
    for change, sentence in (
        ({"password": "short"}, "too short"),
        ({"username": ""}, "Choose an existing login or give a new one"),
        ({"username": scene.cast.alice.user.username.upper()}, "This login is taken"),
        ({"party": ""}, "This field is required"),
        ({"role": "king"}, "valid choice"),
    ):
        refused = olga.post(add, form | change)
        assert refused.status_code == 200
        assert sentence in refused.content.decode()
    assert not User.objects.filter(username=login).exists()
    assert olga.post(add, form).status_code == 302
    member = Member.objects.get(user__username=login)
    assert (member.party_id, member.role, member.active) == (scene.cast.contoso, "counsel", True)
    assert Client().login(username=login, password=PASSWORD)


def test_admit_a_member_with_a_login_that_acts_for_nobody(scene: Scene, olga: Client) -> None:
    idle = User.objects.create_user(f"idle-{scene.cast.contoso.hex[:6]}")
    form = {"party": str(scene.cast.contoso), "role": "viewer", "name": "Ivo", "login": str(idle.pk)}
    both = olga.post(reverse("admin:cases_member_add"), form | {"username": "new", "password": PASSWORD})
    assert "not both" in both.content.decode()
    taken = olga.post(reverse("admin:cases_member_add"), form | {"login": str(scene.cast.alice.user.pk)})
    assert "valid choice" in taken.content.decode()
    assert olga.post(reverse("admin:cases_member_add"), form).status_code == 302
    assert Member.objects.get(user=idle).party_id == scene.cast.contoso


def test_disable_and_enable_a_member(scene: Scene, olga: Client) -> None:
    def act(name: str) -> str:
        url = reverse("admin:cases_member_act", args=[scene.cast.carol.member, name])
        return olga.post(url, follow=True).content.decode()

    assert "is disabled" in act("disable")
    assert scene.carol.get("/me").status_code == 401
    assert "disabled already" in act("disable")
    assert "may act again" in act("enable")
    assert scene.carol.get("/me").status_code == 200
    url = reverse("admin:cases_member_act", args=[scene.cast.carol.member, "enable"])
    assert olga.get(url).status_code == 405
    assert (
        olga.post(reverse("admin:cases_member_act", args=[scene.cast.carol.member, "promote"])).status_code
        == 404
    )


def test_a_token_is_shown_once_and_can_be_revoked(scene: Scene, olga: Client) -> None:
    form = {"member": str(scene.cast.bob.member), "label": "nightly", "days": "30"}
    shown = olga.post(reverse("admin:cases_apitoken_add"), form)
    assert shown["Cache-Control"].find("no-store") >= 0
    found = re.search(r"cst_[\w-]{43}", shown.content.decode())
    assert found is not None
    api = Api(found[0])
    assert api.get("/me").json()["member"] == str(scene.cast.bob.member)
    token = ApiToken.objects.get(member=scene.cast.bob.member)
    page = olga.get(reverse("admin:cases_apitoken_change", args=[token.pk])).content.decode()
    assert found[0] not in page
    assert "Revoke" in page
    olga.post(reverse("admin:cases_apitoken_act", args=[token.pk, "revoke"]))
    assert api.get("/me").status_code == 401
    assert "Revoke<" not in olga.get(reverse("admin:cases_apitoken_change", args=[token.pk])).content.decode()
    assert olga.post(reverse("admin:cases_apitoken_add"), form | {"days": "0"}).status_code == 200


@pytest.mark.parametrize("name", ["cases_evidenceitem", "evidence_ingest"])
def test_a_quarantined_item_is_tried_again(scene: Scene, olga: Client, name: str) -> None:
    item = quarantined(scene)
    page = olga.get(reverse(f"admin:{name}_change", args=[item.pk])).content.decode()
    assert "Try again" in page
    olga.post(reverse(f"admin:{name}_act", args=[item.pk, "retry"]))
    item.refresh_from_db()
    assert item.state == "sealed"
    assert "Try again" not in olga.get(reverse(f"admin:{name}_change", args=[item.pk])).content.decode()


def test_what_the_operator_did_is_in_the_ledger(scene: Scene, olga: Client) -> None:
    olga.post(reverse("admin:cases_evidenceitem_act", args=[quarantined(scene).pk, "retry"]))
    last = scene.alice.get(f"{scene.path}/ledger/entries?limit=1000").json()["entries"][-1]
    assert last["type"] == "EvidenceRetried"
    assert last["opening"]["actor"][1]["kind"] == "operator"


def test_the_lists_ask_few_queries(scene: Scene, olga: Client, django_assert_max_num_queries: object) -> None:
    rows(scene)
    for name in LISTS:
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            olga.get(reverse(f"admin:{name}_changelist"))
    assert Case.objects.exists()
