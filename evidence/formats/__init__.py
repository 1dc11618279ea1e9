"""The formats, one file each, and the decision between them: by content, with a stated confidence, never by
name.
"""

from evidence.formats import cloudtrail, csv, jsonl, text, weblog
from evidence.formats.plan import Recognised, Sample


def recognise(head: bytes, sample: Sample) -> Recognised:
    """What these bytes are. `head` is their beginning, `sample` are lines from all over them."""
    envelope = cloudtrail.recognise(head)
    if envelope is not None:
        return envelope
    found = [one.recognise(sample) for one in (jsonl, weblog, csv)]
    sure = [one for one in found if one is not None]
    return max(sure, key=lambda one: one.confidence) if sure else text.recognise(sample)
