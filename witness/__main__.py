"""countersign-witness: run, serve, refeed, openings, pull, keygen, sign. Exit 0, or a code of errors.py."""

import argparse
import json
import sys
import time
from base64 import b64encode
from pathlib import Path

from verifier.merkle import VerificationError
from verifier.note import WITNESS, Key, canonical, parse
from witness.bundles import give_openings, pull
from witness.errors import Refused, Trouble
from witness.keys import member_key_id, read_private, signer, write_key
from witness.serve import AddCheckpoint, server
from witness.settings import EXAMPLE, Settings, Watched, read_settings
from witness.store import Store
from witness.watch import Watch

ABOUT = """\
`run` looks at each log every `every` seconds: it fetches the signed checkpoint and the new leaves, recomputes
the root, keeps both on the disk, then cosigns and hands the cosignature in. It stops by itself at an alarm.

Exit codes: 0 fine; 1 trouble (network, settings, another witness at work); 2 the host showed something that
does not verify; 3 the host has gone back to an older state; 4 the host signed two histories. At 3 and 4 the
host is shown its own checkpoint, so that it stops and tells the other parties, and the evidence is kept in
STATE/<log>/alarms. After 3: `refeed`, then `openings` from a bundle of each party that has one.

STATE/<log> is the mirror that `countersign-verify --mirror` takes. Back it up; give the key to nobody.

The settings file (TOML); paths in it are relative to it:

"""


def say(text: str) -> None:
    """Tell the person at the terminal, or the log of the service."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def round_of(settings: Settings, *, giving_back: bool = False) -> int:
    """One look at every log; the highest exit code among them, so that no log hides another's alarm."""
    worst = 0
    for one in settings.logs:
        try:
            with Store(one.folder).opened() as store:
                watch = Watch(one.key, signer(settings.key, settings.name), one.host, store, say=say)
                _ = watch.refeed() if giving_back else watch.once()
        except Trouble as trouble:
            sys.stderr.write(f"{'ALARM: ' if trouble.code > 1 else ''}{trouble}\n")
            worst = max(worst, trouble.code)
        except (OSError, ValueError, VerificationError) as error:
            sys.stderr.write(f"The witness's folder {one.folder} cannot be used: {error}.\n")
            worst = max(worst, Trouble.code)
    return worst


def run(settings: Settings, *, once: bool) -> int:
    """Look, and look again; stops by itself only at an alarm."""
    while True:
        code = round_of(settings)
        if once or code >= Refused.code:
            return code
        time.sleep(settings.every)


def only(settings: Settings, wanted: str) -> Watched:
    """The one log that is meant: by a part of its name where the settings hold several."""
    found = [one for one in settings.logs if wanted in one.key.name]
    if len(found) != 1:
        raise Trouble(f"Name one log with --log: {', '.join(one.key.name for one in settings.logs)}.")
    return found[0]


def serve(settings: Settings) -> int:
    """Answer add-checkpoint until interrupted."""
    logs = {one.key.name: (one.key, one.folder) for one in settings.logs}
    with server(settings.port, AddCheckpoint(logs, signer(settings.key, settings.name))) as web:
        say(f"Answering on http://127.0.0.1:{web.server_address[1]}/add-checkpoint")
        try:
            web.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def signed(key: Path, file: Path) -> str:
    """What a member hands in, as JSON: for an intent the `authorship` of its command; for the statement of a
    key the signature that proves possession of it."""
    private, text = read_private(key), file.read_bytes().rstrip(b"\r\n")  # an editor's newline is not signed
    value = parse(text)
    kinds = ("intent", "countersign/intent/v1"), ("statement", "countersign/key/v1")
    found = [kind for kind, version in kinds if isinstance(value, dict) and value.get(kind) == version]
    if not found or canonical(value) != text:
        raise Trouble(f"{file} is neither an intent nor a key's statement in canonical form.")
    said = {"sig": b64encode(private.sign(text)).decode()}
    if found == ["intent"]:
        public = private.public_key().public_bytes_raw()
        said |= {"key": member_key_id(public), "alg": "ed25519", "intent": text.decode()}
    return json.dumps(said)


def made_key(path: Path, name: str) -> str:
    """Make a key; what to hand to the others: its verifier key, its public half, its id as a member's key."""
    public = write_key(path).public_key().public_bytes_raw()
    vkey = Key(name, WITNESS, public).vkey if name else "-"
    return f"vkey   {vkey}\npublic {public.hex()}\nkey    {member_key_id(public)}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    words = argparse.ArgumentParser(
        "countersign-witness", description="Mirror and cosign a case's ledger.",
        epilog=ABOUT + EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = words.add_subparsers(dest="verb", required=True)
    for verb, about in (
        ("run", "poll the host, mirror, cosign"),
        ("serve", "answer add-checkpoint (C2SP tlog-witness) on loopback"),
        (
            "refeed",
            "give the host back what it lost: entries, byte for byte, and this witness's cosignatures",
        ),
        ("openings", "after refeed: give back what these entries mean, from a bundle"),
        ("pull", "fetch the bundle of a case: the ledger with what your party may read"),
    ):
        one = verbs.add_parser(verb, help=about)
        one.add_argument("--config", type=Path, required=True)
        if verb == "run":
            one.add_argument("--once", action="store_true", help="one look, then stop")
        if verb in ("openings", "pull"):
            one.add_argument("--log", default="", help="a part of the log's name, where there are several")
            one.add_argument("bundle", type=Path, metavar="BUNDLE.zip")
    keygen = verbs.add_parser("keygen", help="make an Ed25519 key (mode 0600) and print its public half")
    keygen.add_argument("file", type=Path)
    keygen.add_argument("--name", default="", help="the witness's name, for its verifier key")
    sign = verbs.add_parser("sign", help="sign an intent, or the statement of a key, with your private key")
    sign.add_argument("--key", type=Path, required=True)
    sign.add_argument("file", type=Path)
    return words


def main(arguments: list[str] | None = None) -> int:
    """Run the program."""
    given = parser().parse_args(arguments)
    try:
        match given.verb:
            case "keygen":
                say(made_key(given.file, given.name))
            case "sign":
                say(signed(given.key, given.file))
            case "serve":
                return serve(read_settings(given.config))
            case "refeed":
                return round_of(read_settings(given.config), giving_back=True)
            case "openings":
                say(give_openings(only(read_settings(given.config), given.log).host, given.bundle))
            case "pull":
                size = pull(only(read_settings(given.config), given.log).host, given.bundle)
                say(f"{given.bundle}: {size} bytes. Check it with countersign-verify.")
            case _:
                return run(read_settings(given.config), once=given.once)
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return trouble.code
    except (OSError, VerificationError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return Trouble.code
    return 0


def sign_main() -> int:
    """countersign-sign: `countersign-witness sign` under a name of its own."""
    return main(["sign", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
