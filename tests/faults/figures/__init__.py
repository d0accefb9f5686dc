"""The figures M1 to M13: how much of each fault is stood, as scripts that say a number."""
