"""The settings read from the environment, each time in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.cluster import REPO

PRODUCTION = {
    "PRODUCTION": "1",
    "SECRET_KEY": "k" * 60,
    "DATABASE_URL": "postgresql://countersign_app:pw@db.example.org/countersign",
    "CELERY_BROKER_URL": "amqp://countersign:pw@queue.example.org//",
    "ALLOWED_HOSTS": "cases.example.org",
    "HOST_NAME": "cases.example.org",
}
SHOW = "from django.conf import settings as s; print({})"


def read(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(expression)],
        cwd=REPO,
        env=kept | {"VAR_DIR": "/nowhere", "DJANGO_SETTINGS_MODULE": "config.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", sorted(PRODUCTION.keys() - {"PRODUCTION"}))
def test_production_needs(name: str) -> None:
    missing = {key: value for key, value in PRODUCTION.items() if key != name}
    done = read("s.DEBUG", **missing)
    assert done.returncode != 0
    assert f"ImproperlyConfigured: PRODUCTION=1 needs {name}: " in done.stderr


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"DEMO": "1"}, "PRODUCTION=1 refuses DEMO=1"),
        ({"DEBUG": "1"}, "PRODUCTION=1 refuses DEBUG=1"),
        ({"HOST_NAME": "localhost"}, "PRODUCTION=1 needs HOST_NAME"),
        ({"DEMO": "yes"}, "DEMO must be 0 or 1, not 'yes'"),
    ],
)
def test_production_refuses(extra: dict[str, str], sentence: str) -> None:
    done = read("s.DEBUG", **(PRODUCTION | extra))
    assert done.returncode != 0
    assert sentence in done.stderr


def test_production_is_strict_about_cookies_and_transport() -> None:
    done = read(
        "(s.DEMO, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT,"
        " s.SESSION_COOKIE_NAME, 'owner' in s.DATABASES, s.CELERY_TASK_DEFAULT_QUEUE_TYPE)",
        **PRODUCTION,
    )
    assert done.stdout.strip() == "(False, True, True, True, '__Host-session', False, 'quorum')"


def test_the_embedded_defaults() -> None:
    done = read(
        "(s.DATABASES['default']['USER'], s.DATABASES['owner']['USER'], s.CELERY_BROKER_URL, s.HOST_NAME)"
    )
    assert done.stdout.strip() == (
        "('countersign_app', 'countersign_owner',"
        " 'redis+socket:///nowhere/run/broker/valkey.sock', 'localhost')"
    )


def test_a_database_url_keeps_its_options_and_special_characters() -> None:
    done = read(
        "[s.DATABASES['default'][k] for k in ('NAME', 'USER', 'PASSWORD', 'HOST', 'PORT')]"
        " + [s.DATABASES['default']['OPTIONS']['sslmode']]",
        DATABASE_URL="postgresql://me:p%40ss@db.example.org:6543/cases?sslmode=verify-full",
    )
    assert done.stdout.strip() == "['cases', 'me', 'p@ss', 'db.example.org', '6543', 'verify-full']"


def test_who_stamps_is_looked_at_before_anything_starts() -> None:
    assert read("s.TIME_STAMP_AUTHORITIES").stdout.strip() == "()"
    done = read("s.TIME_STAMP_AUTHORITIES", TIME_STAMP_AUTHORITIES="One|https://tsa.one.example|/nowhere.pem")
    assert done.returncode != 0
    assert "ImproperlyConfigured: TIME_STAMP_AUTHORITIES: the roots of One cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("extra", "site"),
    [
        ({"PORT": "8123"}, ("localhost", ["http://localhost:8123"])),
        (PRODUCTION, ("cases.example.org", ["https://cases.example.org"])),
        (PRODUCTION | {"ALLOWED_HOSTS": "*,.example.org"}, ("example.org", ["https://example.org"])),
        (
            PRODUCTION
            | {
                "WEBAUTHN_RP_ID": "example.org",
                "WEBAUTHN_ORIGINS": "https://a.example.org,https://b.example.org",
            },
            ("example.org", ["https://a.example.org", "https://b.example.org"]),
        ),
    ],
)
def test_passkeys_sign_for_the_site_that_people_reach(
    extra: dict[str, str], site: tuple[str, list[str]]
) -> None:
    assert read("(s.WEBAUTHN_RP_ID, s.WEBAUTHN_ORIGINS)", **extra).stdout.strip() == str(site)
