"""What the sixth way promises: python3 -m unittest."""

import os
import tempfile
import unittest

from refuwsgi.nodes import Node
from way6_use_file import UseFile


class TestUseFile(unittest.TestCase):
    def setUp(self):
        self.path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "nodes.txt")
        self.write("example.com 127.0.0.1:1\n.org 127.0.0.1:2,5\n")
        self.way = UseFile(self.path)

    def write(self, text):
        with open(self.path, "w") as file:
            file.write(text)
        os.utime(self.path, ns=(len(text), len(text)))

    def test_a_key_is_found(self):
        self.assertEqual(self.way.node_for(b"example.com"), Node("127.0.0.1:1"))

    def test_an_ending_is_found(self):
        self.assertEqual(self.way.node_for(b"www.example.org"), Node("127.0.0.1:2", 5))

    def test_an_unknown_key_has_no_node(self):
        self.assertIsNone(self.way.node_for(b"example.net"))

    def test_a_changed_file_is_read_again(self):
        self.way.node_for(b"example.com")
        self.write("example.com 127.0.0.1:3\n")
        self.assertEqual(self.way.node_for(b"example.com"), Node("127.0.0.1:3"))

    def test_a_line_that_names_no_node_is_passed_over(self):
        self.write("example.com 127.0.0.1:1,999\n\nalone\n")
        self.assertIsNone(self.way.node_for(b"example.com"))
