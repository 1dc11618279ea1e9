"""The few calls to the host: outward only, bounded in size and time."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

from witness.errors import Trouble

PAGE = 256
LARGEST_ANSWER = PAGE * (32 * 1024 + 1)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the token to another machine."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True)
class Host:
    """The host's address of one case's ledger, and the token to show there."""

    url: str  # {base}/cases/{id}/ledger
    token: str = ""

    def _ask(self, path: str, body: bytes | None = None, kind: str = "text/plain; charset=utf-8") -> bytes:
        request = urllib.request.Request(self.url + path, data=body)  # noqa: S310 - settings allow http(s) alone
        request.add_header("User-Agent", "countersign-witness")
        if body is not None:
            request.add_header("Content-Type", kind)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with _opener.open(request, timeout=30) as answer:
                data: bytes = answer.read(LARGEST_ANSWER + 1)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(300).decode(errors="replace")
            raise Trouble(f"The host answered {error.code} to {path}: {text}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(f"The host at {self.url} cannot be reached: {error}.") from error
        if len(data) > LARGEST_ANSWER:
            raise Trouble(f"The host's answer to {path} is larger than it may be.")
        return data

    def checkpoint(self) -> bytes:
        """The host's newest signed note."""
        return self._ask("/checkpoint")

    def leaves(self, start: int, end: int) -> list[bytes]:
        """The leaves from `start` on, at most a page, none from `end` on; fewer if there are no more."""
        end = min(end, start + PAGE)
        data = self._ask(f"/leaves?from={start}&to={end}")
        lines = data.split(b"\n")
        if lines.pop() or len(lines) > end - start:
            raise Trouble("The host's answer is not whole lines, or more of them than were asked for.")
        return lines

    def submit(self, size: int, lines: str) -> None:
        """Hand in cosignature lines for the checkpoint of this size."""
        self._ask(f"/cosignatures?size={size}", lines.encode())

    def refeed(self, start: int, leaves: list[bytes]) -> None:
        """Give leaves back that the host has lost, byte for byte."""
        body = b"".join(leaf + b"\n" for leaf in leaves)
        self._ask(f"/refeed?from={start}", body, "application/jsonl")

    def refeed_checkpoint(self, note: bytes) -> None:
        """Show the host its own signature over what was given back."""
        self._ask("/refeed/checkpoint", note)
