"""The same over a network: three machines with addresses of their own, as three network namespaces."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.cluster_faults import faults
from tests.clusters import Command

pytest.importorskip("distributed")

BRIDGE = "fwdrev0"
NETWORK = "10.213.77"
NAMES = ("a", "b", "c")


@pytest.fixture
def machines() -> Iterator[dict[str, Command]]:
    """How to run a command in each of three namespaces, joined by a bridge to this one, at NETWORK.1.

    Without the right to make them the test is skipped, unless FWDREV_NAMESPACES=required demands it, as in CI.
    """
    with ExitStack() as held:
        try:
            yield {name: _namespace(held, name, number) for number, name in enumerate(NAMES, start=2)}
        except (OSError, subprocess.CalledProcessError) as error:
            why = f"no network namespaces can be made here: {getattr(error, 'stderr', '') or error}"
            if os.environ.get("FWDREV_NAMESPACES") == "required":
                pytest.fail(why)
            pytest.skip(why)


def _namespace(held: ExitStack, name: str, number: int) -> Command:
    space, link = f"fwdrev-{name}", f"fwdrev-{name}0"
    if number == 2:
        _made(held, ("link", "add", BRIDGE, "type", "bridge"), ("link", "delete", BRIDGE))
        _ip("address", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
    _made(held, ("netns", "add", space), ("netns", "delete", space))
    _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
    _ip("link", "set", link, "master", BRIDGE, "up")
    _ip("-n", space, "address", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
    for each in ("lo", "eth0"):
        _ip("-n", space, "link", "set", each, "up")
    return shutil.which("ip") or "ip", "netns", "exec", space


def _made(held: ExitStack, make: Sequence[str], unmake: Sequence[str]) -> None:
    """Makes something, and removes it at the end; also before, if a killed test has left it."""
    _ip(*unmake, check=False)
    _ip(*make)
    held.callback(_ip, *unmake, check=False)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run([shutil.which("ip") or "ip", *words], capture_output=True, check=check, text=True)


@pytest.mark.long
def test_no_cell_is_lost_or_measured_twice_over_a_network(machines: dict[str, Command], tmp_path: Path) -> None:
    """Workers have addresses of their own; one is killed, one hangs for 20 s, then the scheduler is killed."""
    faults(tmp_path, host=f"{NETWORK}.1", at=machines)
