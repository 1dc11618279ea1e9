"""What every test stands on. The environment is set before Django's settings are read."""

import atexit
import os
import signal
from pathlib import Path

import django
import hypothesis
import pytest
from django.conf import settings

from tests.cluster import Cluster, make_root, point_django

ROOT_VARIABLE = "COUNTERSIGN_TEST_ROOT"
pytest_plugins = ["tests.fixtures.database", "tests.fixtures.stack", "tests.fixtures.browser"]

# pytest-xdist's workers inherit the root from the process that starts them, which also removes it.
_ours = ROOT_VARIABLE not in os.environ
_root = make_root() if _ours else Path(os.environ[ROOT_VARIABLE])
os.environ[ROOT_VARIABLE] = str(_root)
point_django(_root)
if settings.configured:
    raise pytest.UsageError(
        "Unset DJANGO_SETTINGS_MODULE: tests read the settings after making their own place."
    )
django.setup()
# Workers must not read the settings before their own conftest, which this would make pytest-django do.
del os.environ["DJANGO_SETTINGS_MODULE"]
# Machines that run tests are slow at times; that is not a finding.
hypothesis.settings.register_profile("patient", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("patient")
if _ours:
    atexit.register(Cluster(_root).stop)
    # `timeout` and CI end a run by SIGTERM: clean up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def run_root() -> Path:
    """The folder of this test run; everything a test starts lives in it."""
    return _root


def pytest_sessionstart(session: pytest.Session) -> None:
    """Under pytest-xdist the starting process also starts PostgreSQL, as workers end at different times."""
    if session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput"):
        Cluster(_root).start()
