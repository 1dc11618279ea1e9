"""Multipart uploads that go straight into the vault, without a temporary copy.

A view that takes evidence calls `upload_into_vault(request)` before it touches `request.POST` or
`request.FILES`. The part named `file` then becomes a `VaultUpload`: its bytes are in an intake, written and
hashed once, and wait for `seal`. A body that ends before its Content-Length is refused: Django by itself
would hand over the piece as if it were whole.
"""

from typing import Any, Protocol, cast

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from evidence.vault import Intake, Sealed, Vault, VaultError, vault

FIELD = "file"


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Counted:
    """A request body that knows how much of it has arrived."""

    def __init__(self, body: Readable) -> None:
        self._body = body
        self.arrived = 0

    def read(self, size: int) -> bytes:
        chunk = self._body.read(size)
        self.arrived += len(chunk)
        return chunk


class VaultUpload(UploadedFile):  # type: ignore[type-arg]  # generic in the stubs alone
    """A file that has arrived whole and lies unsealed in the vault's tmp/; closing it unsealed forgets it."""

    def __init__(self, intake: Intake, *, name: str | None, content_type: str | None, size: int) -> None:
        super().__init__(file=None, name=name, content_type=content_type, size=size)
        self.intake = intake

    def seal(self, declared_sha256: str | None = None) -> Sealed:
        """Seal the bytes where they lie, without a second copy; WrongHash or VaultFull leaves nothing."""
        return self.intake.seal(declared_sha256)

    def close(self) -> None:
        """Abort what was not sealed. Django calls this when the request ends, so a view may simply refuse."""
        self.intake.abort()


class VaultUploadHandler(FileUploadHandler):
    """Streams the part named `file` into the vault: flat memory, one write, hashed on the way."""

    # Big enough that MD5 in a thread beside pays, small enough that a hundred uploads fit in memory.
    chunk_size = 1 << 20

    def __init__(self, request: HttpRequest | None = None, *, into: Vault | None = None) -> None:
        super().__init__(request)
        self._vault = into
        self._intake: Intake | None = None
        self._taken = False
        self._parsing = False
        # Set when the disk filled up half-way: the view answers with it, the upload itself just ends.
        self.error: VaultError | None = None

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 (Django passes it by this name)
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> Any:
        """Parse with Django's own parser, but know when the body was cut short, and then leave nothing."""
        if self._parsing or self.request is None:
            return None
        self._parsing = True
        body = Counted(input_data)
        whole = False
        try:
            post, files = MultiPartParser(
                META, cast("Any", body), self.request.upload_handlers, encoding
            ).parse()
            whole = body.arrived >= content_length
        finally:
            # Django tells a handler nothing when reading the body raises, so what is half written is dropped
            # here.
            if not whole:
                self.upload_interrupted()
        if not whole:
            for _, uploads in files.lists():
                for upload in uploads:
                    upload.close()
            raise MultiPartParserError(
                "The upload ended before all of its bytes had arrived; nothing was kept."
            )
        return post, files

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.field_name != FIELD or self._taken:
            return
        self._taken = True
        try:
            self._intake = (self._vault or vault()).intake()
        except VaultError as error:
            self._stop(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self._intake is None:
            return raw_data
        try:
            self._intake.write(raw_data)
        except VaultError as error:
            self._stop(error)
        return None

    def file_complete(self, file_size: int) -> VaultUpload | None:
        if self._intake is None:
            return None
        intake, self._intake = self._intake, None
        return VaultUpload(intake, name=self.file_name, content_type=self.content_type, size=file_size)

    def upload_interrupted(self) -> None:
        """The client went away or another handler stopped the upload: nothing may stay."""
        if self._intake is not None:
            self._intake.abort()
            self._intake = None

    def _stop(self, error: VaultError) -> None:
        self.error = error
        self.upload_interrupted()
        raise StopUpload(connection_reset=False) from error


def upload_into_vault(request: HttpRequest) -> VaultUploadHandler:
    """Send this request's `file` part into the vault, as its only handler."""
    handler = VaultUploadHandler(request)
    request.upload_handlers = [handler]
    return handler
