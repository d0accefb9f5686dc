"""Costs of refuwsgi beside others, in one run on one machine: `make bench`."""
