"""The two database roles, and what each may do."""

import uuid

import pytest
from django.contrib.sessions.models import Session
from django.db import ProgrammingError, connection, connections
from django.utils import timezone


@pytest.mark.django_db
def test_the_app_role_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, (SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole)"
        )
        assert cursor.fetchone() == ("countersign_app", 0)


@pytest.mark.django_db
def test_the_app_role_may_not_change_the_schema() -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        cursor.execute("CREATE TABLE mine (a int)")


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["DELETE FROM django_migrations", "TRUNCATE django_session"])
def test_the_app_role_may_not_empty_tables_of_the_schema(statement: str) -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        cursor.execute(statement)


@pytest.mark.django_db
def test_ordinary_tables_are_the_app_roles_to_use() -> None:
    session = Session.objects.create(session_key="mine", expire_date=timezone.now())
    Session.objects.filter(pk=session.pk).update(session_data="changed")
    session.delete()
    assert not Session.objects.filter(session_key="mine").exists()


@pytest.mark.usefixtures("committed_db")
def test_committed_work_is_seen_by_the_owner() -> None:
    session = Session.objects.create(session_key=uuid.uuid4().hex, expire_date=timezone.now())
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session WHERE session_key = %s", [session.pk])
        assert cursor.fetchone() == (1,)
    session.delete()
