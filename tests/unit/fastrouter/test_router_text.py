"""What a router tells of itself: its numbers as text, and the way that it maps."""

from typing import Any

import pytest

from refuwsgi.fastrouter import router_process, router_text, router_way
from refuwsgi.fastrouter.hearing import Parts
from refuwsgi.fastrouter.router_stats import of_node
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.table_handover import Handover
from refuwsgi.options import config_of
from refuwsgi.protocol.subscription import Announcement


def test_the_numbers_of_a_table() -> None:
    table = Table(lambda line: None)
    table.announce(Announcement(b'k"', b"/n", weight=3), "/n", 0)
    [node] = table.nodes()
    node.requests, node.received = 42, 7
    slots = [{"key": 'k"', "hits": 5, "nodes": [of_node(node, 0)]}]
    lines = router_text.text({"active_sessions": 2, "cheap": 0, "subscriptions": slots})
    which = '{key="k\\"",node="/n"}'
    for line in (
        "uwsgi_router_active_sessions 2",
        "# TYPE uwsgi_router_key_lookups_total counter",
        'uwsgi_router_key_lookups_total{key="k\\""} 5',
        f"uwsgi_router_node_requests_total{which} 42",
        f"uwsgi_router_node_received_bytes_total{which} 7",
        f"uwsgi_router_node_weight{which} 3",
        f"uwsgi_router_node_up{which} 1",
    ):
        assert line in lines.splitlines()


class Caches(dict[str, Any]):
    """Stands for the caches of an instance."""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"fastrouter_use_base": "/d/"}, {"name": "base", "base": "/d/"}),
        ({"fastrouter_use_pattern": "/%s"}, {"name": "pattern", "pattern": "/%s"}),
        ({"fastrouter_use_cache": "c"}, {"name": "cache", "cache": "c"}),
        ({"fastrouter_use_code_string": "0:a.py:f"}, {"name": "code", "code": "0:a.py:f"}),
        ({"fastrouter_use_socket": "0"}, {"name": "socket", "socket": "/own"}),
        ({"fastrouter_to": "/n"}, {"name": "to", "gracetime": 30.0}),
        ({}, {"name": ""}),
    ],
)
def test_the_way_is_told(options: dict[str, str | list[str] | bool], told: dict[str, Any]) -> None:
    config = config_of(fastrouter_fallback="/f", **options)
    parts = Parts(config, [], [], None, [], Handover(), ("/own",), Caches(c=None))
    chooser = router_process.chooser_of(parts, None)
    assert router_way.told(config, chooser) == {**told, "fallback": ["/f"]}


def test_the_way_of_a_table_is_told() -> None:
    config = config_of(subscription_dotsplit=True, fastrouter_subscription_fallback_key="x")
    parts = Parts(config, [], [], None, [], Handover(), (), {})
    chooser = router_process.chooser_of(parts, router_process.table(config))
    assert router_way.told(config, chooser) == {
        "name": "subscriptions",
        "tolerance": 17.0,
        "dotsplit": 1,
        "mountpoints": 0,
        "fallback_key": "x",
        "fallback": [],
    }
