"""Ask the stats server how many requests were handed to an offload thread."""

import json
import urllib.request

with urllib.request.urlopen("http://127.0.0.1:18892", timeout=20) as answer:
    stats = json.load(answer)
print(sum(core["offloaded_requests"] for w in stats["workers"] for core in w["cores"]))
