"""The page that lies in every bundle: what it is, and how to check it with nobody's help."""

_TEXT = """\
The ledger of case {reference}
{rule}

This is a copy of the log {origin}
with its first {size} entries, made for one of the parties. It can be checked without the host that it
comes from, without a network, and without believing anybody.


Check it
--------

Python 3.11 or later and the package "cryptography" are needed, and the program countersign-verify: the folder
verifier/ of Countersign, small enough to be read before it is trusted. Where it is not installed, say
"python -m verifier" beside that folder. Then:

    countersign-verify {name} --policy {policy}

It says "All holds" and ends with exit code 0 only if every byte that can be computed again was, and agrees.
Otherwise each finding is one sentence with the number of the first entry that is wrong. Straight after
something was written the other parties' witnesses have not countersigned it yet; to let the newest entries
wait for them:

    countersign-verify {name} --policy {policy} --allow-pending

More that it can do:

    --evidence DIR     hash the evidence files in a folder again and compare them with what was sealed
    --against OTHER    compare with another party's export of the same log: were you shown the same history?
    --mirror DIR       compare with what your own witness has kept
    --tsa ROOTS.pem    check the time stamps under certificates that you trust
    --times            between which times each single entry came into being


The policy
----------

The policy is yours: it names the host's key, the keys of the parties' witnesses, how many of them must have
countersigned, and the keys that members sign with. It is deliberately not in this file, for whoever could
forge the log could forge that as well. The ledger page of the case offers one to start from, as
{policy}. Before you keep it, compare every key in it with the other parties in another way: by
telephone, on paper, face to face. From then on use the one that you kept.


What is in here
---------------

    leaves.jsonl       every entry as it was hashed; line 1 is entry 0
    openings.jsonl     what the entries say that your party may read, with the salts that prove it;
                       "hidden" are the digests of values that were erased
    checkpoint         the newest size and root of the log, signed by the host and countersigned by witnesses
    checkpoints/       older ones that were countersigned or time-stamped
    timestamps/        answers of time-stamp authorities, what exactly they stamped, and their certificates
    evidence.jsonl     a list of the sealed items among the opened entries
    bundle.json        a note for people

An entry without an opening belongs to somebody else or is about what is not shared with your party. That
it exists, when it was recorded and by whom is proven all the same; should it be shared later, what you
are told then is checked against what stands here now.
"""


def readme(name: str, reference: str, origin: str, size: int) -> str:
    """The page for a bundle called `name`."""
    rule = "=" * len(f"The ledger of case {reference}")
    policy = f"{reference}.policy"
    return _TEXT.format(name=name, policy=policy, reference=reference, rule=rule, origin=origin, size=size)
