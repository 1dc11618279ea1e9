"""What happened, in order: append-only logs, their Merkle trees and signed checkpoints.

Knows nothing of cases.
"""
