"""Fuzzing: bytes that nobody wrote by hand, for everything that reads a peer's bytes."""
