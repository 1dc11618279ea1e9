"""countersign-witness: what a party runs in its own network, so that no host can rewrite a case unseen."""
