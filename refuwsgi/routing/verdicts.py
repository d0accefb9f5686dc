"""What an action says when it has acted.

Section:  ground / internal routing; verdicts
What:     next rule, no more rules, no more at all, or a jump; and the shapes of an action and of
          what makes one.
Units:    none.
Errors:   a maker raises ValueError for arguments that are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from refuwsgi.request import Request

NEXT, CONTINUE, BREAK, JUMP = range(4)

Groups = re.Match[str] | None  # what the rule's expression has found
Action = Callable[[Request, Groups], int]
Maker = Callable[[str], Action]
Test = Callable[[Request, Groups], re.Match[str] | bool | None]
TestMaker = Callable[[str], Test]
