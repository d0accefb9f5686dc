"""The ways in which a case can end other than by its claim.

What: `SetupFailed`: the subject did not get to where the case begins; `HarnessFailed`: the suite's
      own machinery broke; `Late`: something awaited did not come (that is the claim failing).
"""


class SetupFailed(Exception):
    """The subject could not be brought to the state in which the case begins."""


class HarnessFailed(Exception):
    """The suite, not the subject, is to blame."""


class Late(AssertionError):
    """Something that was awaited did not happen within its limit."""
