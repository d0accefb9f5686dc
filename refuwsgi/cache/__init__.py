"""The cache: keys and values that all processes of an instance share.

Section:  ground / the cache
What:     `memory` lays items out in shared memory, `store` is one cache with its lock, `options`
          builds what the operator asked for, `api` is what applications call, `remote` speaks to
          the caches of other servers, and `stages` answers from a cache before anybody else.
Units:    sizes are bytes; times are seconds since 1970.
Errors:   an operator's mistake is an OptionError; what does not fit is refused with False or None.
"""
