"""What a router tells of how it maps, so that `refuwsgi route` can follow it from outside.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; fastrouter-stats, the way
What:     the name of the way that rules, and what it needs to find a node.
Units:    seconds.
Errors:   none.
"""

from __future__ import annotations

from typing import Any

from refuwsgi.fastrouter import static_nodes
from refuwsgi.fastrouter import way1_use_base as way1
from refuwsgi.fastrouter import way2_use_pattern as way2
from refuwsgi.fastrouter import way3_use_cache as way3
from refuwsgi.fastrouter import way4_subscription_server as way4
from refuwsgi.fastrouter import way5_use_code_string as way5
from refuwsgi.gateway_rules import Chooser, Plain
from refuwsgi.options import Config

Fields = dict[str, Any]


def told(config: Config, chooser: Chooser | None) -> Fields:
    """The way that rules, which is the chooser's, and where it looks."""
    way = chooser.way if isinstance(chooser, Plain) else chooser
    found: Fields = {"name": ""}
    if isinstance(way, way3.UseCache):
        found = {"name": "cache", "cache": config[way3.USE_CACHE]}
    elif isinstance(way, way2.UsePattern):
        found = {"name": "pattern", "pattern": config[way2.USE_PATTERN]}
    elif isinstance(way, way4.Subscriptions):
        found = {
            "name": "subscriptions",
            "tolerance": config[way4.TOLERANCE],
            "dotsplit": int(config[way4.DOTSPLIT]),
            "mountpoints": config[way4.MOUNTPOINTS],
            "fallback_key": config[way4.FALLBACK_KEY],
        }
    elif isinstance(way, way1.UseBase):
        found = {"name": "base", "base": config[way1.USE_BASE]}
    elif isinstance(way, way5.UseCodeString):
        found = {"name": "code", "code": config[way5.USE_CODE_STRING]}
    elif isinstance(way, static_nodes.UseSocket):
        node = way.node_for(b"")
        found = {"name": "socket", "socket": node.address if node else ""}
    elif isinstance(way, static_nodes.To):
        found = {"name": "to", "gracetime": config[static_nodes.GRACETIME]}
    return {**found, "fallback": list(config[static_nodes.FALLBACK])}
