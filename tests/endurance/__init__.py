"""Long runs, started by hand: each does for minutes what a short test does a few times."""
