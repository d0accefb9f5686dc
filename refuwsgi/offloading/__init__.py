"""Document 1, the uWSGI offloading subsystem: the worker decides, a thread carries.

Section:  offloading / The uWSGI offloading subsystem; the map of this package
What:     the worker does the head of the job (parse, decide, open) and gives the client away.
          From then on the request is over for it: logged, counted, its place free.

              threads.py             --offload-threads: whose turn it is, the options
              one_thread.py          a thread: its loop, its mailbox, its clients
              engines.py             what a thread can do: file, memory, relay, pipe, chain
              static_files.py        Offloading static files: the stage of a request
                static_paths.py        which file, and may the client have it
                static_answer.py       the head, 304, 206, 416, and who sends the body
                static_hot.py          small files in memory
                static_ranges.py  static_expires.py  static_twins.py  mime.py  http_dates.py
              internal_routing.py    Offloading internal routing: http: and uwsgi: routes
              cache_router.py        Offloading internal routing: cache:
              the_future.py          The Future: tasks that the application programs
"""
