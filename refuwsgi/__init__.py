"""Four uWSGI documents made runnable, readable and checkable."""

__version__ = "0.1.0"
