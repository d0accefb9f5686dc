"""What goes over a wire: bytes in, values out; no clock, no socket, no file.

Section:  ground / protocols
What:     `uwsgi` is the packet, `http` the head of a request, `http_target` the words of its first
          line, `http_chunks` a body whose length nobody announced.
Errors:   each module has one error, for a peer that breaks the format.
"""
