"""The options of cheaper.

Section:  scaling / cheaper; its options
What:     how many workers there are at least and at the start, which algorithm decides, and the
          numbers that the algorithms go by.
Units:    cycles are about a second; sizes are bytes.
Errors:   none of its own.
"""

from __future__ import annotations

from refuwsgi.options import Option, flag, number, text

CHEAPER = Option(
    "cheaper",
    number,
    default=0,
    help="the least number of workers; more come when they are needed",
    implies=("master",),
)
CHEAPER_INITIAL = Option(
    "cheaper-initial",
    number,
    default=0,
    help="how many workers there are at the start",
)
CHEAPER_ALGO = Option(
    "cheaper-algo",
    text,
    default="spare",
    help="spare, spare2, backlog, busyness or manual; or the path of a Python file with `decide`",
    aliases=("cheaper-algorithm",),
)
CHEAPER_ALGO_LIST = Option(
    "cheaper-algos-list",
    flag,
    default=False,
    help="print the algorithms",
    aliases=("cheaper-algo-list", "cheaper-list"),
    bare="true",
)
CHEAPER_STEP = Option("cheaper-step", number, default=1, help="how many workers to start at a time")
CHEAPER_OVERLOAD = Option(
    "cheaper-overload", number, default=3, help="cycles before the algorithm acts"
)
CHEAPER_IDLE = Option(
    "cheaper-idle", number, default=10, help="spare2: seconds before an idle worker is stopped"
)
RSS_SOFT = Option(
    "cheaper-rss-limit-soft",
    number,
    default=0,
    help="start no worker while all together use more memory than this, in bytes",
)
RSS_HARD = Option(
    "cheaper-rss-limit-hard",
    number,
    default=0,
    help="stop a worker each cycle while all together use more memory than this, in bytes",
)
BUSY_MAX = Option("cheaper-busyness-max", number, default=50, help="busyness: start above")
BUSY_MIN = Option("cheaper-busyness-min", number, default=25, help="busyness: stop below")
BUSY_MULTIPLIER = Option(
    "cheaper-busyness-multiplier", number, default=10, help="busyness: windows before a stop"
)
BUSY_PENALTY = Option(
    "cheaper-busyness-penalty", number, default=2, help="busyness: added after a hasty stop"
)
BUSY_ALERT = Option(
    "cheaper-busyness-backlog-alert", number, default=33, help="busyness: queue that is an alarm"
)
BUSY_BACKLOG_MULTIPLIER = Option(
    "cheaper-busyness-backlog-multiplier",
    number,
    default=3,
    help="busyness: windows before a stop, after an alarm",
)
BUSY_BACKLOG_STEP = Option(
    "cheaper-busyness-backlog-step", number, default=1, help="busyness: workers for an alarm"
)
BUSY_NONZERO = Option(
    "cheaper-busyness-backlog-nonzero",
    number,
    default=60,
    help="busyness: seconds that a queue may last",
)
BUSY_VERBOSE = Option(
    "cheaper-busyness-verbose", flag, default=False, help="busyness: say more", bare="true"
)
