"""Internal routing: rules that look at a request and act, before the application is asked.

Section:  ground / internal routing
What:     `options` names the rules, `chain` reads and runs them, `conditions` and `text` are what
          they look at, `actions`, `variables` and `login` what they do, `transformations` what
          they do to a body, `answer` what they have said of an answer that is still to come, and
          `stage` is their place in a worker.  Everything is compiled at start.

              route = ^/foo http:127.0.0.1:8080
              route-if = equal:${HTTP_HOST};old.example redirect:http://new.example$0

Units:    none.
Errors:   a rule that cannot be read is an OptionError with its file and line.
"""
