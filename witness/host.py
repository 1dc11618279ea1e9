"""The few calls to the host: outward only, bounded in size and time."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO

from witness.errors import Absent, Trouble

PAGE = 256
LARGEST_ANSWER = PAGE * (32 * 1024 + 1)
LARGEST_BUNDLE = 64 << 30


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

    def _open(self, path: str, body: bytes | None, kind: str) -> http.client.HTTPResponse:
        request = urllib.request.Request(self.url + path, data=body)  # noqa: S310 - settings allow http(s) alone
        request.add_header("User-Agent", "countersign-witness")
        if body is not None:
            request.add_header("Content-Type", kind)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            answer: http.client.HTTPResponse = _opener.open(request, timeout=30 if body is None else 600)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(600).decode(errors="replace")
            said = f"The host answered {error.code} to {path}: {text}"
            # A proxy that finds nothing behind it answers 404 as well, but not in the host's own words.
            own = error.headers.get_content_type() == "application/problem+json"
            raise Absent(said) if own and error.code == 404 else Trouble(said) from error
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(f"The host at {self.url} cannot be reached: {error}.") from error
        return answer

    def _ask(self, path: str, body: bytes | None = None, kind: str = "text/plain; charset=utf-8") -> bytes:
        with self._open(path, body, kind) as answer:
            try:
                data: bytes = answer.read(LARGEST_ANSWER + 1)
            except (OSError, http.client.HTTPException) as error:
                raise Trouble(f"The host at {self.url} broke off: {error}.") from error
        if len(data) > LARGEST_ANSWER:
            raise Trouble(f"The host's answer to {path} is larger than it may be.")
        return data

    def checkpoint(self, size: int | None = None) -> bytes:
        """The host's newest signed note, or the one of a size."""
        return self._ask("/checkpoint" if size is None else f"/checkpoint?size={size}")

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

    def seen(self, note: bytes) -> None:
        """Show a note with the host's own signature that it does not show any more."""
        self._ask("/seen", note)

    def refeed(self, start: int, leaves: list[bytes]) -> None:
        """Give leaves back that the host has lost, byte for byte."""
        body = b"".join(leaf + b"\n" for leaf in leaves)
        self._ask(f"/refeed?from={start}", body, "application/jsonl")

    def refeed_checkpoint(self, note: bytes) -> str:
        """Show the host its own signature over what was given back; what it says is still missing."""
        return _missing(self._ask("/refeed/checkpoint", note))

    def refeed_openings(self, lines: list[bytes]) -> str:
        """Give openings back; what is still missing."""
        return _missing(self._ask("/refeed/openings", b"".join(lines), "application/jsonl"))

    def pull(self, file: IO[bytes]) -> int:
        """Write the bundle that the host makes for this party into a file; its size."""
        with self._open("/export", None, "") as answer:
            size = 0
            try:
                while piece := answer.read(1 << 20):
                    size += file.write(piece)
                    if size > LARGEST_BUNDLE:
                        raise Trouble("The host's bundle is larger than it may be.")
            except (OSError, http.client.HTTPException) as error:
                raise Trouble(f"The host broke off after {size} bytes: {error}.") from error
            told = answer.headers.get("Content-Length")
        if told is not None and told != str(size):
            raise Trouble(f"The host broke off after {size} of {told} bytes.")
        return size


def _missing(answer: bytes) -> str:
    """How many entries do not say yet what they mean, as the host tells; nothing rests on it."""
    try:
        told = json.loads(answer)
        missing, doubt = told["missing"], told["doubt"]
    except (ValueError, KeyError, TypeError):
        return ""
    if isinstance(missing, int) and missing:
        return (
            f"{missing} entries do not say there yet what they mean. Whoever has a bundle of this case gives "
            "their openings back: countersign-witness openings --config FILE BUNDLE.zip."
        )
    return f"The host says: {doubt}" if isinstance(doubt, str) else "The host says that nothing is missing."
