"""A site of files, and what its application answers where there is none."""

from tests.conformance.harness import Answer

FILES: dict[str, str | bytes] = {
    "www/a.txt": "hello static\n",
    "www/b c.txt": "blank",
    "www/\u00e9.txt": "accent",
    "www/noext": "n",
    "www/a.TXT": "upper",
    "www/a.php": "php",
    "www/page.html": "<p>",
    "www/sub/index.html": "index",
    "www/sub/other.txt": "other",
    "www/twin.js": "plain",
    "www/twin.js.gz": "gzipped",
    "www/ten.bin": "0123456789",
    "www/empty.txt": "",
    "second/a.txt": "second",
    "second/only.txt": "only here",
    "www-private/secret.txt": "secret",
    "outside/secret.txt": "secret",
    "safe/allowed.txt": "allowed",
    "one.ico": "icon",
    "types": "text/mine  mine\nTEXT/x-odd odd\n# text/no no\n",
}


def is_the_apps(answer: Answer) -> bool:
    return answer.status == 200 and answer.body == b"hello"
