"""Fill the cache of the router: a key is a host, a value is a node."""

import uwsgi

uwsgi.cache_set("example.net", "127.0.0.1:18911")
