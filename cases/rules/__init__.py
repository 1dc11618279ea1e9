"""The rules of the house: pure functions from a command and what is known to events. No clock, no
database."""
