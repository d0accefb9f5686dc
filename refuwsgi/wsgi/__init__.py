"""The application: how it is found, what it is told, and how its answer gets out.

Section:  ground / the application
What:     `loading` imports it, `environ` says what a request is, `body` is its wsgi.input,
          `answer` its start_response, `files` its wsgi.file_wrapper, and `serving` ties them
          together into a stage of a core.  The contract is PEP 3333.
Errors:   an operator's mistake is an OptionError; an application's mistake is a traceback in the
          log and a 500 for the client, if nothing has been sent yet.
"""
