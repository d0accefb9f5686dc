"""Faults: what goes wrong, what may be lost by it, and that nothing else is."""
