"""An upload goes from the wire into the vault: once, hashed on the way, and not at all when it is cut short."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory, override_settings

from evidence.uploads import VaultUpload, upload_into_vault
from evidence.vault import VaultError, WrongHash, vault

EDGE = "cut-here"
LOG = b'203.0.113.7 - - [03/Feb/2026:08:06:22 +0800] "GET / HTTP/1.1" 200 5\r\n' * 40_000


@pytest.fixture(autouse=True)
def vault_folder(tmp_path: Path) -> Iterator[Path]:
    with override_settings(VAULT_DIR=tmp_path / "vault"):
        yield tmp_path / "vault"


def body_of(content: bytes, *, field: str = "file") -> bytes:
    return (
        (
            f'--{EDGE}\r\nContent-Disposition: form-data; name="title"\r\n\r\nEdge log\r\n'
            f'--{EDGE}\r\nContent-Disposition: form-data; name="{field}"; filename="edge.log"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        + content
        + f"\r\n--{EDGE}--\r\n".encode()
    )


def request_with(body: bytes | io.BytesIO, length: int) -> WSGIRequest:
    request = RequestFactory().post("/", content_type=f"multipart/form-data; boundary={EDGE}")
    request.META["CONTENT_LENGTH"] = str(length)
    stream = body if isinstance(body, io.BytesIO) else io.BytesIO(body)
    return WSGIRequest({**request.environ, "wsgi.input": stream, "CONTENT_LENGTH": str(length)})


def kept_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_file_part_is_sealed_without_a_second_copy(vault_folder: Path) -> None:
    body = body_of(LOG)
    request = request_with(body, len(body))
    upload_into_vault(request)
    upload = request.FILES["file"]
    assert isinstance(upload, VaultUpload)
    assert (upload.name, upload.size) == ("edge.log", len(LOG))
    assert request.POST["title"] == "Edge log"
    waiting = kept_in(vault_folder)
    assert [path.parent.name for path in waiting] == ["tmp"]
    inode = waiting[0].stat().st_ino
    sealed = upload.seal()
    upload.close()
    assert vault().path(sealed.sha256).read_bytes() == LOG
    assert [path.stat().st_ino for path in kept_in(vault_folder)] == [inode]


def test_closing_the_request_forgets_what_was_not_sealed(vault_folder: Path) -> None:
    body = body_of(LOG)
    request = request_with(body, len(body))
    upload_into_vault(request)
    upload = request.FILES["file"]
    assert isinstance(upload, VaultUpload)
    assert upload.size == len(LOG)
    request.close()
    assert kept_in(vault_folder) == []


def test_a_wrong_declared_hash_leaves_nothing(vault_folder: Path) -> None:
    body = body_of(LOG)
    request = request_with(body, len(body))
    upload_into_vault(request)
    upload = request.FILES["file"]
    assert isinstance(upload, VaultUpload)
    with pytest.raises(WrongHash):
        upload.seal("f" * 64)
    assert kept_in(vault_folder) == []


@pytest.mark.parametrize("part", [0.2, 0.5, 0.999])
def test_a_body_that_is_cut_short_is_refused_and_leaves_nothing(vault_folder: Path, part: float) -> None:
    body = body_of(LOG)
    request = request_with(body[: int(len(body) * part)], len(body))
    upload_into_vault(request)
    with pytest.raises(MultiPartParserError, match="before all of its bytes"):
        request.FILES  # noqa: B018
    assert kept_in(vault_folder) == []


class Torn(io.BytesIO):
    """A connection that breaks after some bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 500_000:
            raise ConnectionResetError
        return super().read(size)


def test_a_connection_that_breaks_leaves_nothing(vault_folder: Path) -> None:
    body = body_of(LOG)
    request = request_with(Torn(body), len(body))
    upload_into_vault(request)
    with pytest.raises(UnreadablePostError):
        request.FILES  # noqa: B018
    assert kept_in(vault_folder) == []


def test_a_part_of_another_name_never_reaches_the_vault(vault_folder: Path) -> None:
    body = body_of(LOG, field="picture")
    request = request_with(body, len(body))
    upload_into_vault(request)
    assert "file" not in request.FILES
    assert kept_in(vault_folder) == []


def test_a_vault_that_cannot_write_is_told_by_the_handler(vault_folder: Path) -> None:
    vault_folder.write_text("not a folder")
    body = body_of(LOG)
    request = request_with(body, len(body))
    handler = upload_into_vault(request)
    assert "file" not in request.FILES
    assert isinstance(handler.error, VaultError)
    assert re.match("The vault could not write", handler.error.sentence)
