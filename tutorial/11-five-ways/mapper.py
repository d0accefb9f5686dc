"""The fifth way: a function names the node."""


def get(key):
    """Send everybody to the one node there is."""
    return "127.0.0.1:18911"
