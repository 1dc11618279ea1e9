"""countersign-verify: checks an exported log offline, with nothing but Python and `cryptography`."""
