"""The embedded servers: PostgreSQL and Valkey from their wheels, on unix sockets only."""
