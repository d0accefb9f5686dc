"""Hosts that are none: network namespaces with a wire between each of them and the first.

What: `Hosts` makes a namespace in the middle and some around it, each joined to the middle by a
      pair of virtual interfaces.  A wire can be cut at its far end: as with a real cable, nobody is
      told, packets just come no more.  Files, and so UNIX sockets, are shared by all.
"""

import os
import shutil
import subprocess

import pytest

IP = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")


class Hosts:
    """A middle and `count` hosts around it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self.middle = ""
        self.others: list[str] = []

    def build(self, count: int) -> None:
        """Make them; whatever comes of it, `close` takes everything away."""
        self.middle = self._host("m")
        self.others = [self._host(str(number + 1)) for number in range(count)]
        for number in range(count):
            self._wire(number)

    def _host(self, name: str) -> str:
        made = f"rw{os.getpid()}{name}"
        ip("netns", "add", made)
        self._names.append(made)
        ip("-n", made, "link", "set", "lo", "up")
        return made

    def _wire(self, number: int) -> None:
        name, far = f"w{number + 1}", self.others[number]
        ends = (
            (
                self.middle,
                name,
                near(number),
            ),
            (far, "eth0", address(number)),
        )
        ip("-n", self.middle, "link", "add", name, "type", "veth", "peer", "eth0", "netns", far)
        for host, device, own in ends:
            ip("-n", host, "addr", "add", f"{own}/24", "dev", device)
            ip("-n", host, "link", "set", device, "up")
        # Who has which hardware address is known for good: else the kernel would soon notice.
        for (host, device, _), (other, away, its) in (ends, ends[::-1]):
            mac = ip("-n", other, "-o", "link", "show", away).partition("link/ether ")[2].split()[0]
            ip("-n", host, "neigh", "replace", its, "lladdr", mac, "dev", device)

    def cut(self, number: int) -> None:
        """Cut a wire at its far end."""
        ip("-n", self.others[number], "link", "set", "eth0", "down")

    def mend(self, number: int) -> None:
        """Mend the wire."""
        ip("-n", self.others[number], "link", "set", "eth0", "up")

    def inside(self, host: str, command: list[str]) -> list[str]:
        """How a command is run on a host."""
        return [str(IP), "netns", "exec", host, *command]

    def close(self) -> None:
        """Take everything away; the wires go with their ends."""
        for name in self._names:
            ip("netns", "del", name)


def near(number: int) -> str:
    """The address of the middle on that wire."""
    return f"10.83.{number + 1}.1"


def address(number: int) -> str:
    """The address of a host around it."""
    return f"10.83.{number + 1}.2"


def ip(*words: str) -> str:
    """Run `ip`; where the kernel does not let us, the test is skipped."""
    if IP is None:
        pytest.skip("absent: iproute2 is not installed")
    done = subprocess.run([IP, *words], capture_output=True, text=True, timeout=60)
    if done.returncode and "netns add" in " ".join(words):
        pytest.skip(f"the kernel: no network namespaces ({done.stderr.strip()})")
    assert not done.returncode, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout
