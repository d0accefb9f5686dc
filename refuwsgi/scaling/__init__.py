"""Document 2, Scaling: more processes, more threads, fewer when nobody asks, HTTP outside.

Section:  scaling / Scaling
What:     read in this order.

              master.py              master = true: who supervises     alone.py  without one
              orders.py              what signals and the fifo ask of it
              workers.py             processes: one that serves
              cores.py               threads: one request after the other
              http_socket.py         http-socket: the cores speak HTTP
              uwsgi_socket.py        socket: the cores speak uwsgi       bodies.py  in chunks
              cheaper.py             cheaper: how many workers there should be
              cheaper_algorithms.py  the rules by which that is decided
              sleeping.py            down to none
              http_router.py         http: a process in front of the workers
              http_session.py        one of its clients
                http_straight.py  http_asking.py   what of it needs no waiting
                http_exchange.py       one request of that client and its answer
                http_links.py  core_links.py       connections to a core that are kept
                http_packet.py  http_answer.py  http_chunked.py  http_proxy_protocol.py
                http_nodes.py  http_link.py  http_door.py  http_options.py  http_stats.py
              http_processes.py      http-processes: several of them

Errors:   none; there is nothing here to run.
"""
