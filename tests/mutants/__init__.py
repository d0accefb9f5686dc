"""Deliberately wrong servers: what the conformance suite must not let pass.

A mutant is refuwsgi with one function changed.  Each lies in the directory of its document; its
docstring says what is wrong, CASES which cases of the suite must fail on it, `apply` does it.
"""
