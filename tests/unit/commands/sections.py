"""The sections of the four documents, for the tests of the commands."""

from docs._ext import source

SECTIONS = source.sections()
