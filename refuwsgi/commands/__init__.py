"""What a reader types besides the server: `refuwsgi check`, `refuwsgi explain` and so on.

Section: ground / the command; its other commands
What: each module is a command of its name and has `main(argv) -> int`, which gives the exit status.
      It is imported only when it is called.
"""
