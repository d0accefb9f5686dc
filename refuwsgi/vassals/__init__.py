"""On demand vassals: the emperor watches a socket and starts its vassal at the first connection.

Section: vassals / On demand vassals (socket activation); the map of the package
What: read in this order.

    lifecycle.py             the states of a vassal and what happens in each: the table
    on_demand.py             the socket that the emperor keeps for a vassal        (introduction)
    on_demand_extension.py   a file beside the vassal names the socket             one file for
    on_demand_directory.py   the vassal's own name does                            each of the
    on_demand_exec.py        a command does                                        three rules
    monitors/                where vassals come from: directories, patterns, databases, messages
    scan.py                  what appeared, changed and vanished between two looks
    idle.py                  when a vassal has nothing to do                       (--idle ...)
    emperor_pipe.py          the bytes that emperor and vassal send each other
    spawn.py                 from a config to a process with the socket as descriptor 0
    hooks.py                 commands at a vassal's start and end
    throttle.py              how long a vassal that dies at once is held back
    tyrant.py                whose rights a vassal gets
    announce.py              routers are told of vassals that sleep
    own_socket.py            a vassal that declares the very socket it was handed
    vassal.py                one vassal: its record, and the tasks that feed the table
    process.py               its process: the pid, the pipe, the orders
    census.py                who is a vassal: scan, add, touch, remove
    imperial_loop.py         the emperor at work: scan, reap, signals, the clock
    emperor.py               its options, and how it is put together
    emperor_stats.py         the same as JSON

Errors: none; there is nothing here to run.
"""
