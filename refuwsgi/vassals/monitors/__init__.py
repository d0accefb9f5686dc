"""Where vassals come from: the imperial monitors.

Section: vassals / On demand vassals (socket activation); the imperial monitors
What: all monitors have one shape: `look` names everything there is.  A monitor of messages keeps
      the table that its messages make, and names that.  The emperor compares two looks.

          dir:// glob:// and bare paths   directory.py  glob.py    the three options name sockets
          pg:// mongodb:// zmq://         pg.py  mongodb.py  zmq.py    name them themselves
          amqp://                         amqp.py

Errors: `OptionError` when a monitor cannot exist at all (no such directory, no driver).  A look
      that fails is said in the log and answers None: nothing is known, so nothing is stopped.
"""
