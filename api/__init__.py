"""JSON for programs: the HTTP contract, version 1 (design §6)."""
