"""What a router tells of itself as text, for Prometheus.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; fastrouter-stats, the text page
What:     what the JSON says, one number to a line.  Served under /metrics when the stats servers
          speak HTTP (stats-http).

              uwsgi_router_node_requests_total{key="example.com",node="127.0.0.1:3031"} 42

Units:    seconds since the epoch, bytes.
Errors:   none.
"""

# Beyond: uWSGI has JSON only, and needs an exporter beside it.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from refuwsgi.stats_text import Series, labels, written

Fields = dict[str, Any]

NODE = (
    ("requests", "requests_total", "counter", "Requests that the node was chosen for."),
    ("ref", "running", "gauge", "Requests that run on the node."),
    ("failcnt", "failures_total", "counter", "Times that the node left or was found dead."),
    ("tx", "received_bytes_total", "counter", "Bytes that came from the node."),
    ("rx", "sent_bytes_total", "counter", "Bytes that went to the node."),
    ("weight", "weight", "gauge", "The weight that the node announced."),
    ("last_check", "last_announcement_seconds", "gauge", "When the node last announced itself."),
)


def text(fields: Fields) -> str:
    """Write every number of a router's statistics."""
    return written(_all(fields))


def _all(fields: Fields) -> Iterator[Series]:
    yield _one("active_sessions", "Clients that are being served.", fields["active_sessions"])
    yield _one("cheap", "1 while the router does not accept.", fields["cheap"])
    if "static_nodes" in fields:
        yield from _of_static(fields["static_nodes"])
    if "subscriptions" in fields:
        yield from _of_slots(fields["subscriptions"])


def _one(name: str, words: str, value: float) -> Series:
    return Series(f"uwsgi_router_{name}", "gauge", words, [("", value)])


def _of_static(nodes: list[Fields]) -> Iterator[Series]:
    hits = [(labels(node=node["name"]), node["hits"]) for node in nodes]
    lives = [(labels(node=node["name"]), int(not node["grace"])) for node in nodes]
    yield Series("uwsgi_router_static_node_hits_total", "counter", "Times it was chosen.", hits)
    yield Series("uwsgi_router_static_node_up", "gauge", "0 while it is left out.", lives)


def _of_slots(slots: list[Fields]) -> Iterator[Series]:
    hits = [(labels(key=slot["key"]), slot["hits"]) for slot in slots]
    yield Series("uwsgi_router_key_lookups_total", "counter", "Times a key was looked up.", hits)
    nodes = [
        (labels(key=slot["key"], node=node["name"]), node)
        for slot in slots
        for node in slot["nodes"]
    ]
    lives = [(of, 1 - node["death_mark"]) for of, node in nodes]
    yield Series("uwsgi_router_node_up", "gauge", "0 when it has left or was found dead.", lives)
    for field, name, kind, words in NODE:
        points = [(of, node[field]) for of, node in nodes]
        yield Series(f"uwsgi_router_node_{name}", kind, words, points)
