"""Which directories make the wheel: the server, and the conformance suite below one package.

The suite's modules are called `tests.conformance...` wherever it runs.  Installed, its directories
lie inside the package `refuwsgi_suite`, which puts itself on the path: so that no distribution of
anybody gets a top-level package called `tests`.
"""

from setuptools import find_packages, setup

SUITE = {
    "refuwsgi_suite": "tests/suite",
    "refuwsgi_suite.tests": "tests",
    "refuwsgi_suite.docs.results": "docs/results",
}
DATA = {
    "refuwsgi_suite": ["*.ini"],
    "refuwsgi_suite.tests": [
        "sections.toml",
        "requirements/*.toml",
        "conformance/**/*.py",
        "conformance/**/*.toml",
        "conformance/**/*.txt",
        "conformance/**/*.pem",
    ],
    "refuwsgi_suite.docs.results": ["*.json"],
}

setup(
    packages=[*find_packages(include=["refuwsgi", "refuwsgi.*"]), *SUITE],
    package_dir=SUITE,
    package_data={"refuwsgi": ["py.typed"], **DATA},
    include_package_data=False,
)
