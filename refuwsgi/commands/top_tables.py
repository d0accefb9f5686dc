"""The tables of `refuwsgi top`: what is shown of the stats.

Section: ground / the command; the tables of top
What: from the fields of a stats server, and those of the look before, to rows.  A table is there
      when the stats have its list: workers and sockets of an instance, static nodes and subscribed
      ones of a router, vassals of an emperor.
Units: sizes in the unit that the cell names, times in milliseconds, rates a second.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

Fields = dict[str, Any]
Row = dict[str, Any]


def tables_of(now: Fields, before: Fields) -> dict[str, list[Row]]:
    """The rows of every table that these stats are good for."""
    span = now["time"] - before["time"] if before else 0.0
    found = {}
    for name, rows in TABLES.items():
        earlier = {row["id"]: row["requests"] for row in rows(before) if "requests" in row}
        made = list(rows(now))
        for row in made:
            if "requests" in row:
                grown = row["requests"] - earlier.get(row["id"], row["requests"])
                row["rate"] = round(max(0, grown) / span, 1) if span > 0 else 0.0
        if made:
            found[name] = made
    return found


def _workers(stats: Fields) -> Iterable[Row]:
    for worker in stats.get("workers", ()):
        cores = worker.get("cores", ())
        yield {
            "id": worker["id"],
            "pid": worker["pid"],
            "status": worker["status"],
            "busy": f"{sum(bool(core['in_request']) for core in cores)}/{len(cores)}",
            "requests": worker["requests"],
            "avg ms": round(worker["avg_rt"] / 1000, 1),
            "offloaded": sum(core["offloaded_requests"] for core in cores),
            "static": sum(core["static_requests"] for core in cores),
            "errors": worker["exceptions"],
            "sent": size(worker["tx"]),
            "rss": size(worker["rss"]),
            "respawns": worker["respawn_count"],
        }


def _sockets(stats: Fields) -> Iterable[Row]:
    for place, each in enumerate(stats.get("sockets", ())):
        if isinstance(each, dict):
            yield {
                "id": place,
                "address": each["name"],
                "protocol": each["proto"],
                "queue": f"{each['queue']}/{each['max_queue']}",
            }


def _static_nodes(stats: Fields) -> Iterable[Row]:
    for node in stats.get("static_nodes", ()):
        state = "set aside" if node["grace"] else "ready"
        yield {"id": node["name"], "state": state, "requests": node["hits"]}


def _nodes(stats: Fields) -> Iterable[Row]:
    for slot in stats.get("subscriptions", ()):
        for node in slot["nodes"]:
            yield {
                "id": f"{slot['key']} {node['name']}",
                "state": "dying" if node["death_mark"] else "ready",
                "requests": node["requests"],
                "running": node["ref"],
                "load": node["load"],
                "weight": node["weight"],
                "failures": node["failcnt"],
                "age s": max(0, int(stats["time"]) - node["last_check"]),
            }


def _vassals(stats: Fields) -> Iterable[Row]:
    for vassal in stats.get("vassals", ()):
        yield {
            "id": vassal["id"],
            "pid": vassal["pid"],
            "state": vassal.get("state", ""),
            "on demand": vassal["on_demand"] or "-",
            "waiting": vassal.get("waiting", 0),
            "wakes": vassal.get("wakes", 0),
            "respawns": vassal["respawns"],
            "last start": _clock(vassal.get("last_run", 0)),
        }


def _clock(moment: int) -> str:
    return time.strftime("%d %H:%M:%S", time.localtime(moment)) if moment else "-"


def _blacklist(stats: Fields) -> Iterable[Row]:
    for entry in stats.get("blacklist", ()):
        yield {"id": entry["id"], "attempts": entry["attempt"], "waits": entry["throttle_level"]}


TABLES: Final[dict[str, Callable[[Fields], Iterable[Row]]]] = {
    "workers": _workers,
    "sockets": _sockets,
    "static nodes": _static_nodes,
    "nodes": _nodes,
    "vassals": _vassals,
    "held back": _blacklist,
}


def size(count: int) -> str:
    """A size as people read it."""
    for unit in ("", "k", "M"):
        if count < 1024:
            return f"{count}{unit}"
        count //= 1024
    return f"{count}G"


def text_of(stats: Fields, tables: dict[str, list[Row]]) -> str:
    """The tables as text, under one line about the whole."""
    clock = time.strftime("%H:%M:%S", time.localtime(stats["time"]))
    parts = [f"{clock}  pid {stats.get('pid', '?')}  {_whole(stats, tables)}".rstrip()]
    parts += [f"{name}\n{_aligned(rows)}" for name, rows in tables.items()]
    return "\n\n".join(parts) + "\n"


def _whole(stats: Fields, tables: dict[str, list[Row]]) -> str:
    found = []
    if rows := tables.get("workers"):
        rate = sum(row["rate"] for row in rows)
        found += [f"listen queue {stats.get('listen_queue', 0)}", f"{rate:g} requests/s"]
    if "active_sessions" in stats:
        found.append(f"{stats['active_sessions']} sessions")
    if stats.get("cheap"):
        found.append("cheap")
    if "emperor" in stats:
        found.append(f"emperor of {', '.join(stats['emperor'])}")
    return ", ".join(found)


def _aligned(rows: list[Row]) -> str:
    lines = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [isinstance(cell, (int, float)) for cell in rows[0].values()]
    shown = []
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        shown.append("  ".join(c.rjust(w) if right else c.ljust(w) for c, w, right in cells))
    return "\n".join(f"  {line.rstrip()}" for line in shown)
