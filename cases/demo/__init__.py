"""The demo joint case: invented parties, seeded logs, and the truth about what the logs show."""
