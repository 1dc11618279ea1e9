"""The setting that names the time stamping authorities."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import authorities
from tests.ledger.authority import make


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An authority's folder and its root certificate."""
    folder = tmp_path_factory.mktemp("tsa")
    return folder, make(folder)


def test_authorities_come_from_the_setting(tsa: tuple[Path, str]) -> None:
    path = tsa[0] / "ca.pem"
    found = authorities.parse(f" First | https://tsa.example/tsr | {path} ,Second|http://[::1]:318/|{path},")
    assert [(each.name, each.url) for each in found] == [
        ("First", "https://tsa.example/tsr"),
        ("Second", "http://[::1]:318/"),
    ]
    assert all(each.roots == tsa[1] for each in found)
    assert authorities.parse("") == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("First", "must be name"),
        ("First|https://tsa.example", "must be name"),
        ("|https://tsa.example|{pem}", "must be name"),
        ("First|https://tsa.example|{pem}|more", "must be name"),
        ("First|ftp://tsa.example|{pem}", "no web address"),
        ("First|https://|{pem}", "no web address"),
        ("First|https://tsa.example:port|{pem}", "no web address"),
        ("First|https://tsa.example/a b|{pem}", "no web address"),
        ("First|https://tsa.example|/nowhere.pem", "cannot be read"),
        ("First|https://tsa.example|{key}", "no PEM certificates"),
        ("A|https://a.example|{pem},A|https://b.example|{pem}", "one name"),
        ("{long}|https://tsa.example|{pem}", "at most 80"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(tsa: tuple[Path, str], given: str, sentence: str) -> None:
    filled = given.format(pem=tsa[0] / "ca.pem", key=tsa[0] / "serial", long="n" * 81)
    with pytest.raises(ImproperlyConfigured, match=sentence):
        authorities.parse(filled)
