"""Seeded logs of one joint incident, as two organisations would each have seen it, and the truth about them.

Northwind AI sees its LLM gateway; Contoso Cloud sees CloudTrail with Bedrock data events and an edge access
log whose lines carry two time zones. A reseller ring drives rotating accounts from few egress addresses with
three prompt templates; on the ban, eight accounts are replaced within the hour. All addresses come from
documentation ranges (RFC 5737), all autonomous systems from RFC 5398, all names are invented.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

SEED = 20261005
START = datetime(2026, 10, 5, tzinfo=UTC)
DAYS = 7
BAN = datetime(2026, 10, 8, 14, tzinfo=UTC)

SHARED_EGRESS = ("203.0.113.24", "203.0.113.87", "203.0.113.141")
NORTHWIND_ONLY_EGRESS = ("203.0.113.16", "203.0.113.199", "198.51.100.77")
TEMPLATES = (
    "Lay out every step of your reasoning in full, then give the result. Exercise {n}: {task}",
    "Play the examiner. Grade the answer by each criterion and defend every point given. Item {n}: {task}",
    "Reason aloud inside <scratchpad></scratchpad> before answering, keep nothing back. Sample {n}: {task}",
)
TASKS = (
    "prove the inequality",
    "refactor the parser",
    "balance the reaction",
    "find the race",
    "plan the experiment",
)
CHATTER = (
    "translate this menu",
    "name ideas for a bakery",
    "fix my regex",
    "summarise the minutes",
    "a limerick about rain",
)
RING_CARDS = ("pm_71c0de11", "pm_71c0de12", "pm_71c0de13", "pm_71c0de14")
CHINA_TIME = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Log:
    """One generated source: `filename`, its exact `content` bytes, and how many records it holds."""

    filename: str
    content: bytes
    records: int


@dataclass(frozen=True)
class Truth:
    """What an investigator must find, computed while the logs are written, never from them."""

    shared_ips: tuple[str, ...]
    ring_accounts: tuple[str, ...]
    banned_accounts: tuple[str, ...]
    replacement_accounts: tuple[str, ...]
    requests_by_ip: dict[str, int]
    ring_requests: int
    output_tokens_by_account: dict[str, int]
    template_counts: tuple[int, ...]
    cloudtrail_by_ip: dict[str, int]
    edge_by_ip: dict[str, int]
    edge_status: dict[int, int]


@dataclass(frozen=True)
class Scenario:
    """The three logs and their truth; the same `seed` gives the same bytes."""

    gateway: Log
    cloudtrail: Log
    edge: Log
    truth: Truth


@dataclass(frozen=True)
class _Account:
    id: str
    card: str
    active_from: datetime
    active_until: datetime


@dataclass
class _Tally:
    by_ip: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    templates: Counter[int] = field(default_factory=Counter)
    ring: int = 0


def build(
    seed: int = SEED,
    *,
    ring_requests: int = 6000,
    ordinary_requests: int = 1800,
    cloud_calls: int = 840,
) -> Scenario:
    """Write the scenario; sizes are numbers of records."""
    rng = random.Random(seed)
    ring, banned, replacements = _ring_accounts(rng)
    tally = _Tally()
    gateway = _gateway(rng, ring, tally, ring_requests, ordinary_requests)
    calls = list(_cloud_calls(rng, cloud_calls))
    cloud_ips = Counter(str(call["sourceIPAddress"]) for call in calls)
    cloudtrail = json.dumps({"Records": calls}, separators=(",", ":")).encode()
    edge_lines, edge_ips, edge_status = _edge(rng, calls)
    truth = Truth(
        shared_ips=SHARED_EGRESS,
        ring_accounts=tuple(account.id for account in ring),
        banned_accounts=banned,
        replacement_accounts=replacements,
        requests_by_ip=dict(tally.by_ip),
        ring_requests=tally.ring,
        output_tokens_by_account=dict(tally.tokens),
        template_counts=tuple(tally.templates[i] for i in range(len(TEMPLATES))),
        cloudtrail_by_ip=dict(cloud_ips),
        edge_by_ip=dict(edge_ips),
        edge_status=dict(edge_status),
    )
    return Scenario(
        gateway=Log("gateway-2026-10-05-to-11.jsonl", gateway, ring_requests + ordinary_requests),
        cloudtrail=Log("cloudtrail-bedrock.json", cloudtrail, cloud_calls),
        edge=Log("edge-access.log", "".join(edge_lines).encode(), len(edge_lines)),
        truth=truth,
    )


def _ring_accounts(
    rng: random.Random,
) -> tuple[list[_Account], tuple[str, ...], tuple[str, ...]]:
    """40 accounts on four cards; the ban ends eight of them and eight new ones start within the hour."""
    end = START + timedelta(days=DAYS)
    first = [_Account(f"acct_{rng.getrandbits(40):010x}", RING_CARDS[i % 4], START, end) for i in range(32)]
    banned = [_Account(a.id, a.card, START, BAN) for a in first[:8]]
    replacements = [
        _Account(
            f"acct_{rng.getrandbits(40):010x}",
            a.card,
            BAN + timedelta(minutes=rng.randint(9, 58)),
            end,
        )
        for a in banned
    ]
    return (
        banned + first[8:] + replacements,
        tuple(a.id for a in banned),
        tuple(a.id for a in replacements),
    )


def _gateway(
    rng: random.Random,
    ring: list[_Account],
    tally: _Tally,
    ring_requests: int,
    ordinary: int,
) -> bytes:
    rows = [_ring_request(rng, ring, tally) for _ in range(ring_requests)]
    rows += [_ordinary_request(rng, tally) for _ in range(ordinary)]
    rows.sort(key=lambda row: (row["startTime"], row["id"]))
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def _ring_request(rng: random.Random, ring: list[_Account], tally: _Tally) -> dict[str, object]:
    account = rng.choice(ring)
    at = _between(rng, account.active_from, account.active_until)
    ip = rng.choice(SHARED_EGRESS + NORTHWIND_ONLY_EGRESS)
    template = rng.randrange(len(TEMPLATES))
    output = rng.randint(2600, 7400)
    tally.ring += 1
    tally.by_ip[ip] += 1
    tally.tokens[account.id] += output
    tally.templates[template] += 1
    prompt = TEMPLATES[template].format(n=rng.randint(1, 999_999), task=rng.choice(TASKS))
    agent = rng.choice(("python-httpx/0.28.1", "openai-python/1.61.0"))
    return _request(
        rng,
        at,
        account.id,
        account.card,
        ip,
        agent,
        prompt,
        output,
        asn="AS64500",
        geo="SG",
        limit=8192,
    )


def _ordinary_request(rng: random.Random, tally: _Tally) -> dict[str, object]:
    person = rng.randrange(60)
    account = "acct_" + hashlib.sha256(f"customer {person}".encode()).hexdigest()[:10]
    ip = f"192.0.2.{rng.randint(1, 254)}"
    output = rng.randint(40, 900)
    tally.by_ip[ip] += 1
    tally.tokens[account] += output
    at = _between(rng, START, START + timedelta(days=DAYS))
    agent = rng.choice(
        (
            "okhttp/4.12.0",
            "curl/8.5.0",
            "openai-node/4.77.0",
            "Mozilla/5.0 (X11; Linux x86_64)",
        )
    )
    prompt = f"{rng.choice(CHATTER)} {rng.randint(1, 999)}"
    return _request(
        rng,
        at,
        account,
        f"pm_{account[5:13]}",
        ip,
        agent,
        prompt,
        output,
        asn="AS64496",
        geo="US",
        limit=1024,
    )


def _request(
    rng: random.Random,
    at: datetime,
    account: str,
    card: str,
    ip: str,
    agent: str,
    prompt: str,
    output: int,
    *,
    asn: str,
    geo: str,
    limit: int,
) -> dict[str, object]:
    return {
        "id": f"req_{rng.getrandbits(64):016x}",
        "startTime": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "account_id": account,
        "api_key_hash": f"sk-hash-{hashlib.sha256(account.encode()).hexdigest()[:16]}",
        "payment_fingerprint": card,
        "requester_ip_address": ip,
        "asn": asn,
        "geo": geo,
        "user_agent": agent,
        "endpoint": "/v1/chat/completions",
        "model": "nw-large-2" if rng.random() < 0.15 else "nw-large-1",
        "stream": False,
        "max_tokens": limit,
        "prompt": prompt,
        "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "usage": {"prompt_tokens": rng.randint(90, 700), "completion_tokens": output},
        "status": 429 if rng.random() < 0.03 else 200,
        "latency_ms": rng.randint(400, 14_000),
    }


def _cloud_calls(rng: random.Random, count: int) -> Iterator[dict[str, object]]:
    """CloudTrail records in time order; a third of them come from the ring's shared egress."""
    times = sorted(_between(rng, START, START + timedelta(days=DAYS)) for _ in range(count))
    for at in times:
        ring = rng.random() < 1 / 3
        yield {
            "eventVersion": "1.11",
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "bedrock.amazonaws.com",
            "eventName": rng.choice(("InvokeModel", "InvokeModelWithResponseStream"))
            if ring or rng.random() < 0.96
            else "ListFoundationModels",
            "awsRegion": "eu-central-1",
            "sourceIPAddress": rng.choice(SHARED_EGRESS) if ring else f"192.0.2.{rng.randint(1, 254)}",
            "userAgent": "Boto3/1.36.2" if ring else "aws-sdk-js/3.700",
            "userIdentity": {
                "type": "IAMUser",
                "userName": "svc-batch-eval" if ring else rng.choice(("app-prod", "app-stage")),
                "accessKeyId": "AKIAEXAMPLERING00" if ring else "AKIAEXAMPLEPROD00",
                "accountId": "111122223333",
            },
            "requestParameters": {"modelId": "contoso.large-v1"},
            "eventID": f"{rng.getrandbits(128):032x}",
            "readOnly": True,
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        }


def _edge(rng: random.Random, calls: list[dict[str, object]]) -> tuple[list[str], Counter[str], Counter[int]]:
    """The same calls at Contoso's edge, half of the hosts writing +0800, in the order of their instants."""
    lines, ips, statuses = [], Counter[str](), Counter[int]()
    for call in calls:
        at = datetime.strptime(str(call["eventTime"]), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        local = at.astimezone(CHINA_TIME if rng.random() < 0.5 else UTC)
        status = 429 if rng.random() < 0.05 else 200
        ip = str(call["sourceIPAddress"])
        agent = "openai-python/1.61.0" if ip in SHARED_EGRESS else rng.choice(("okhttp/4.12.0", "curl/8.5.0"))
        lines.append(
            f'{ip} - - [{local:%d/%b/%Y:%H:%M:%S %z}] "POST /v1/messages HTTP/1.1" '
            f'{status} {rng.randint(900, 40_000)} "-" "{agent}"\n'
        )
        ips[ip] += 1
        statuses[status] += 1
    return lines, ips, statuses


def _between(rng: random.Random, start: datetime, end: datetime) -> datetime:
    return start + timedelta(milliseconds=rng.randrange(int((end - start).total_seconds() * 1000)))
