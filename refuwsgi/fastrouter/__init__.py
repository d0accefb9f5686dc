"""Document 3: a router that speaks uwsgi on both sides.

Section:  fastrouter / The uWSGI FastRouter
What:     a web server hands the router its requests; the router finds the node that is to answer.
Map:      `getting_started` binds the addresses and builds the router's processes.  One of the
          ways (`way1_use_base` ... `way5_use_code_string`, `static_nodes`) names the node.
          `way4_subscription_server` is fed by announcements: `slots` is the table of keys and
          nodes, `balancing` decides whose turn it is, `sign_check` whom to believe,
          `resubscribe` tells another router.  `subscribe_to` and `mapping_files` are the side
          that announces.  `cheap_mode` says when a router sleeps, `post_buffering` keeps
          bodies until they are whole, `notes` reads the key, `router_stats` shows it all.
          A session itself, from accept to the last byte, is on the machine's floor: `gateway`.
"""
