"""A small Django project in one file: settings, views, urls; it knows nothing of its server."""

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import path, reverse

HERE = Path(__file__).parent
settings.configure(
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for the tests only",
    STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib.sessions", "django.contrib.staticfiles"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [HERE],
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    LOGGING={
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler", "stream": sys.stderr}},
        "loggers": {"django.request": {"handlers": ["console"]}},
    },
)


def index(request: Any) -> HttpResponse:
    """Say who is asking, and how."""
    return HttpResponse(f"hello {request.session.get('choice', 'stranger')}, {request.scheme}")


def vote(request: Any) -> HttpResponse:
    """Take a vote by a form that is guarded by a token."""
    if request.method == "POST":
        request.session["choice"] = request.POST["choice"]
        return redirect(reverse("index"))
    return render(request, "vote.html", {"chosen": request.session.get("choice", "")})


def upload(request: Any) -> HttpResponse:
    """Take a file; answer its checksum."""
    if request.method == "GET":
        return HttpResponse(get_token(request))
    digest = hashlib.sha256()
    for chunk in request.FILES["file"].chunks():
        digest.update(chunk)
    return JsonResponse({"sha256": digest.hexdigest(), "note": request.POST["note"]})


def file(request: Any) -> FileResponse:
    """Send a file of the disk."""
    return FileResponse((HERE / "page.bin").open("rb"))


def memory(request: Any) -> FileResponse:
    """Send what only memory holds."""
    data = io.BytesIO((HERE / "page.bin").read_bytes())
    return FileResponse(data, as_attachment=True, filename="memory.bin")


def stream(request: Any) -> StreamingHttpResponse:
    """Send lines as they are made."""

    def lines() -> Iterator[str]:
        for number in range(50):
            yield f"{number} of {request.path}\n"

    return StreamingHttpResponse(lines(), content_type="text/plain")


def fail(request: Any) -> HttpResponse:
    """Fail."""
    raise RuntimeError("as the test wants it")


def where(request: Any, rest: str) -> JsonResponse:
    """Say what the framework knows of the request."""
    url = request.build_absolute_uri()
    return JsonResponse({"rest": rest, "url": url, "q": request.GET.getlist("q")})


urlpatterns = [
    path("", index, name="index"),
    path("vote/", vote),
    path("upload", upload),
    path("file", file),
    path("memory", memory),
    path("stream", stream),
    path("fail", fail),
    path("where/<path:rest>", where),
]
application = get_wsgi_application()
