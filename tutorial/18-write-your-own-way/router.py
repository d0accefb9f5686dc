"""A router that goes the sixth way: python3 router.py ADDRESS FILE."""

import sys

from refuwsgi import address, binding, gateway_plain, log
from refuwsgi.fastrouter import router_process
from refuwsgi.gateway import Gateway
from refuwsgi.gateway_rules import Plain
from refuwsgi.options import config_of
from way6_use_file import UseFile

listener = binding.bind(address.parse(sys.argv[1]))
way = UseFile(sys.argv[2])
rules = router_process.rules(config_of(), Plain(way, again=False))
log.line(f"the router listens on {sys.argv[1]}")
Gateway([listener], gateway_plain.serves(rules)).run()
