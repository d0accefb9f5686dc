"""A real nginx in a directory of its own, in front of a server under test."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.harness import SetupFailed, eventually, free_port, listening

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

CONFIG = """
daemon off;
master_process off;
pid DIR/nginx.pid;
error_log DIR/error.log;
events { worker_connections 128; }
http {
    access_log off;
    client_max_body_size 100m;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    scgi_temp_path DIR/scgi;
    uwsgi_temp_path DIR/uwsgi;
    server {
        listen 127.0.0.1:FRONT;
        location / {
            PASS;
        }
    }
}
"""
# The file uwsgi_params, as nginx brings it.
UWSGI = """
            uwsgi_param QUERY_STRING $query_string;
            uwsgi_param REQUEST_METHOD $request_method;
            uwsgi_param CONTENT_TYPE $content_type;
            uwsgi_param CONTENT_LENGTH $content_length;
            uwsgi_param REQUEST_URI $request_uri;
            uwsgi_param PATH_INFO $document_uri;
            uwsgi_param DOCUMENT_ROOT $document_root;
            uwsgi_param SERVER_PROTOCOL $server_protocol;
            uwsgi_param REQUEST_SCHEME $scheme;
            uwsgi_param HTTPS $https if_not_empty;
            uwsgi_param REMOTE_ADDR $remote_addr;
            uwsgi_param REMOTE_PORT $remote_port;
            uwsgi_param SERVER_PORT $server_port;
            uwsgi_param SERVER_NAME $server_name;
            uwsgi_pass unix:"""
HTTP = """
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_pass http://"""


class Nginx:
    """A running nginx; `port` is its front."""

    def __init__(self, directory: Path, backend: str) -> None:
        if PROGRAM is None:
            pytest.skip("absent: nginx is not installed")
        self.port = free_port()
        self._errors = directory / "error.log"
        passing = (UWSGI if "/" in backend else HTTP) + backend
        text = CONFIG.replace("FRONT", str(self.port)).replace("PASS", passing.lstrip())
        conf = directory / "nginx.conf"
        conf.write_text(text.replace("DIR", str(directory)))
        words = [PROGRAM, "-p", str(directory), "-c", str(conf), "-e", str(self._errors)]
        none = subprocess.DEVNULL
        self._process = subprocess.Popen(words, stdin=none, stdout=none, stderr=none)
        eventually(self._up, "nginx listens")

    def _up(self) -> bool:
        if self._process.poll() is not None:
            raise SetupFailed(f"nginx ended: {self._errors.read_text()}")
        return listening(self.port)

    def close(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
