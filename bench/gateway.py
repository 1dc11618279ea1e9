"""A seeded gateway log of any size: many accounts of one actor among ordinary users, with ids of high entropy."""

import hashlib
import random
from pathlib import Path

TEMPLATES = (
    "Act as an examiner. Grade the answer from 0 to 10 on every line of the rubric and justify each point. Case {}: {}",
    "Think aloud between <think> and </think>, in the language of the question, and only then answer. Item {}: {}",
    "You are a senior analyst. Show all of your reasoning, step by step, before the final answer. Task #{}: {}",
    "Produce a chain of tool calls with a reason before each of them. Problem {}: {}",
)
SUBJECTS = (
    "derive the closed form",
    "rank two answers",
    "repair the failing test",
    "plan twelve tool calls",
    "prove the inequality",
    "rewrite the parser",
)
ORDINARY = (
    "translate a mail about invoice {}",
    "a limerick about number {}",
    "summarise ticket {}",
    "why is the sky {} blue",
)
AGENTS = ("python-httpx/0.27.0", "openai-python/1.61.0", "openai-node/4.77.0", "okhttp/4.12.0", "curl/8.5.0")
MODELS = ("nw-large-1", "nw-large-1", "nw-large-1", "nw-small-2")
START = 1_770_076_800_000  # 2026-02-03T00:00:00Z in milliseconds


def _account(draw: random.Random, *, actor: bool) -> str:
    digest = hashlib.sha256(draw.randbytes(16)).hexdigest()
    network = "203.0.113" if actor else "192.0.2"
    return (
        f'"account_id":"acct_{digest[:10]}","api_key_hash":"sk-hash-{digest[10:26]}","org_id":"org_{digest[:4]}",'
        f'"payment_fingerprint":"pm_{digest[26:34] if not actor else digest[26:28] + "feeb"}",'
        f'"requester_ip_address":"{network}.{draw.randrange(1, 255)}",'
        f'"asn":"{"AS64500" if actor else "AS64496"}","geo":"{"SG" if actor else "US"}",'
        f'"user_agent":"{draw.choice(AGENTS)}"'
    )


def _clock(milliseconds: int) -> str:
    """The ISO time of the log; a month of 28 days is enough for it."""
    days, rest = divmod(milliseconds, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, thousandths = divmod(rest, 1000)
    return f"2026-02-{3 + days % 24:02}T{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}Z"


def write_gateway_log(path: Path, size_mb: int, *, seed: int = 7) -> int:
    """Write about `size_mb` megabytes (10^6 bytes) and return the number of lines."""
    draw = random.Random(seed)
    bits = draw.getrandbits
    actors = [_account(draw, actor=True) for _ in range(400)]
    users = [_account(draw, actor=False) for _ in range(3000)]
    goal = size_mb * 1_000_000
    size = lines = clock = 0
    with path.open("wb") as file:
        while size < goal:
            rows = []
            for _ in range(2000):
                noise = bits(64)
                actor = noise & 3 > 0
                clock += noise >> 56
                number = noise >> 8 & 0xFFFFF
                if actor:
                    prompt = TEMPLATES[noise >> 28 & 3].format(number, SUBJECTS[(noise >> 30) % 6])
                    who, room, stream = actors[(noise >> 34) % 400], 8192, "false"
                else:
                    prompt = ORDINARY[noise >> 28 & 3].format(number)
                    who, room, stream = users[(noise >> 34) % 3000], 256, "true"
                rows.append(
                    f'{{"id":"req_{bits(96):024x}","startTime":"{_clock(clock)}",{who},'
                    f'"endpoint":"/v1/chat/completions","model":"{MODELS[noise >> 46 & 3]}","stream":{stream},'
                    f'"temperature":{"1.0" if actor else "0"},"max_tokens":{room},"prompt":"{prompt}",'
                    f'"prompt_sha256":"{hashlib.sha256(prompt.encode()).hexdigest()}",'
                    f'"prompt_tokens":{200 + (noise >> 48 & 255)},"completion_tokens":{(noise >> 40) % (room - 1)},'
                    f'"status":{200 if noise >> 50 & 15 else 429},"latency_ms":{300 + (noise >> 44) % 20000}}}\n'
                )
            block = "".join(rows).encode()
            file.write(block)
            size += len(block)
            lines += len(rows)
    return lines
