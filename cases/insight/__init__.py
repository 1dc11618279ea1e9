"""What a party may find out about its own evidence: who sees it and why, who has read it, who knew what
when."""
