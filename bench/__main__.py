"""`python -m bench`: prints one line a figure and exits 0; a missed target is a line, not a failure."""

import argparse

from bench import place


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small inputs: quicker, less telling")
    parser.add_argument(
        "parts", nargs="*", help="perform, proof, verify, ingest, search (all when none is named)"
    )
    asked = parser.parse_args()
    parts = asked.parts or ["perform", "proof", "verify", "ingest", "search"]
    with place.instance():
        # Read after Django knows its settings.
        from bench import ingest, perform, proof, search, verify

        if "perform" in parts:
            perform.main(large=5_000 if asked.quick else 200_000)
        if "proof" in parts:
            proof.main(sizes=(1_000, 100_000) if asked.quick else (1_000, 100_000, 1_000_000))
        if "verify" in parts:
            verify.main(entries=5_000 if asked.quick else 50_000)
        if "ingest" in parts:
            ingest.main(size_mb=100 if asked.quick else 1000)
        if "search" in parts:
            search.main(records=200_000 if asked.quick else 3_000_000)


if __name__ == "__main__":
    main()
