"""Other people's machines: nested containers, processors that cannot be pinned, leftover debugging settings."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.machine import memory
from fwdrev.bench.machine.cgroup import cpu_quota, memory_left
from fwdrev.bench.machine.environment import PASSED_ON, cautions
from fwdrev.bench.machine.facts import fingerprint
from fwdrev.bench.machine.processors import available_cpus, pin, pinned_cpus
from fwdrev.bench.records.machine import DISTORTING, EFFECTS, settings, total_bytes
from fwdrev.bench.records.spec import make_spec
from fwdrev.modes import InputError
from fwdrev.results.runs.provenance import check_same
from tests.command import fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.doubles.workers_here import workers_here
from tests.project import make_project
from tests.wild.reports import OURS, report

GB = 10**9
UNLIMITED = "9223372036854771712"
TWO = "30 29 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
ONE = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
CPU = "36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct"


def tree(root: Path, group: str, mounts: str, files: Mapping[str, object]) -> Path:
    """A system with this /proc/self/cgroup and mountinfo, and files under /sys/fs/cgroup."""
    proc = root / "proc" / "self"
    proc.mkdir(parents=True)
    (proc / "cgroup").write_text(group)
    (proc / "mountinfo").write_text(mounts)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


MEMORY: list[tuple[str, str, str, str, dict[str, object], int | None]] = [
    ("none", "giampaolo/psutil#1140", "0::/", TWO, {}, None),
    ("root", "vertti/preflight#226", "0::/", TWO, {"memory.max": 4 * GB, "memory.current": GB}, 3 * GB),
    (
        "own group",
        "firelock-ai/kin#1095",
        "0::/docker/abc",
        TWO,
        {"memory.max": "max", "docker/abc/memory.max": 2 * GB, "docker/abc/memory.current": GB},
        GB,
    ),
    (
        "tightest is above",
        "NVIDIA/enroot#169",
        "0::/job/step/task",
        TWO,
        {
            "job/step/task/memory.max": "max",
            "job/step/memory.max": 5 * GB,
            "job/memory.max": 4 * GB,
            "memory.max": "max",
        },
        4 * GB,
    ),
    (
        "pages of files are given back",
        OURS,
        "0::/a",
        TWO,
        {"a/memory.max": 4 * GB, "a/memory.current": 4 * GB, "a/memory.stat": f"anon {GB}\ninactive_file {3 * GB}"},
        3 * GB,
    ),
    (
        "more was taken than may be",
        OURS,
        "0::/a",
        TWO,
        {"a/memory.max": GB, "a/memory.current": 2 * GB},
        0,
    ),
    ("throttled from there on", OURS, "0::/a", TWO, {"a/memory.max": "max", "a/memory.high": 3 * GB}, 3 * GB),
    (
        "version 1",
        "DeusData/codebase-memory-mcp#972",
        "4:memory:/ecs/task/container\n0::/",
        ONE,
        {
            "memory/memory.limit_in_bytes": UNLIMITED,
            "memory/ecs/task/container/memory.limit_in_bytes": 8 * GB,
            "memory/ecs/task/container/memory.usage_in_bytes": 3 * GB,
            "memory/ecs/task/container/memory.stat": f"cache 1\ninactive_file 5\ntotal_inactive_file {GB}",
        },
        6 * GB,
    ),
    ("version 1 without a limit", OURS, "4:memory:/", ONE, {"memory/memory.limit_in_bytes": UNLIMITED}, None),
    (
        "the mount is the container's own group",
        "sgl-project/sglang#35707",
        "11:memory:/docker/8e10",
        ONE.replace(" / /sys", " /docker/8e10 /sys"),
        {"memory/memory.limit_in_bytes": 2 * GB},
        2 * GB,
    ),
    (
        "both versions, each with its own path",
        OURS,
        "4:cpu,memory:/one\n0::/two",
        f"{TWO.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')}\n{ONE}",
        {
            "memory/one/memory.limit_in_bytes": 5 * GB,
            "memory/two/memory.limit_in_bytes": GB,
            "unified/two/memory.max": 4 * GB,
            "unified/one/memory.max": GB,
        },
        4 * GB,
    ),
    (
        "outside of its own namespace",
        OURS,
        "0::/../../other",
        TWO,
        {"memory.max": 7 * GB, "other/memory.max": 6 * GB},
        6 * GB,
    ),
    (
        "mounted elsewhere, at a name with a space",
        "arangodb/arangodb#11682",
        "0::/a",
        r"30 29 0:26 / /sys/fs/cgroup/my\040place rw - cgroup2 cgroup2 rw",
        {"my place/a/memory.max": GB, "a/memory.max": 1},
        GB,
    ),
    ("mountinfo is not there", "arangodb/arangodb#11682", "0::/a", "", {"a/memory.max": GB}, GB),
    ("nothing of /proc is there", OURS, "", "", {"memory/memory.limit_in_bytes": GB, "memory.max": "max"}, GB),
    ("nonsense", OURS, "x\n::\n0::\n1:2", "a b\n- \n\0", {"memory.max": "soon", "memory.current": "\0"}, None),
]


@pytest.mark.parametrize(
    ("group", "mounts", "files", "left"),
    [pytest.param(*row[2:], id=row[0], marks=report(row[1])) for row in MEMORY],
)
def test_the_tightest_limit_of_memory(
    tmp_path: Path, group: str, mounts: str, files: dict[str, object], left: int | None
) -> None:
    """The tightest limit counts, at any level from the group of this process to the root."""
    assert memory_left(tree(tmp_path, group, mounts, files)) == left


@report("firelock-ai/kin#1095")
def test_what_can_be_allocated_is_within_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smaller of free memory and what is left in the group counts; unknown values do not limit."""
    monkeypatch.setattr(memory, "memory_left", lambda: 1000)
    assert memory.available_bytes() == 1000
    monkeypatch.setattr(memory, "_PROC", Path("/nowhere"))
    assert memory.available_bytes() == 1000
    monkeypatch.setattr(memory, "memory_left", lambda: None)
    assert memory.available_bytes() is None


@report("voxel51/fiftyone#8022")
def test_a_system_that_does_not_know_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused then."""

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    assert total_bytes() is None
    assert fingerprint(1)["memory_bytes"] is None
    assert make_spec({"inputs": "4096", "outputs": "2"}).inputs == [4096]
    monkeypatch.setattr(os, "sysconf", lambda _: -1)
    assert total_bytes() is None


@report(OURS)
def test_a_jacobian_of_floats_takes_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of 4 bytes an entry fit where four of 8 bytes do not."""
    monkeypatch.setattr("fwdrev.bench.records.spec.total_bytes", lambda: 4 * 6 * 1000 * 64)
    given = {"inputs": "1000", "outputs": "64"}
    assert make_spec({**given, "dtype": "float32"}).dtype == "float32"
    with pytest.raises(InputError, match=r"has a Jacobian of 0\.000512 GB, too large for this machine"):
        make_spec({**given, "dtype": "float64"})


@report(OURS)
def test_a_limit_that_the_user_has_set_stays(tmp_path: Path) -> None:
    """Our limit never raises the user's `ulimit -v`."""
    code = """
import resource
from fwdrev.bench.machine.memory import limited
mapped = 1 << 36
resource.setrlimit(resource.RLIMIT_AS, (mapped, resource.RLIM_INFINITY))
with limited(1 << 40):
    print(resource.getrlimit(resource.RLIMIT_AS)[0] == mapped)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.strip() == "True", done.stderr


QUOTAS: list[tuple[str, str, dict[str, object], float | None]] = [
    ("0::/a", TWO, {"a/cpu.max": "50000 100000", "cpu.max": "max 100000"}, 0.5),
    ("0::/a", TWO, {"a/cpu.max": "max 100000"}, None),
    ("0::/a/b", TWO, {"a/cpu.max": "150000 100000", "a/b/cpu.max": "400000 100000"}, 1.5),
    (
        "3:cpu,cpuacct:/a",
        CPU,
        {"cpu,cpuacct/a/cpu.cfs_quota_us": 25000, "cpu,cpuacct/a/cpu.cfs_period_us": 100000},
        0.25,
    ),
    ("3:cpu,cpuacct:/a", CPU, {"cpu,cpuacct/a/cpu.cfs_quota_us": -1, "cpu,cpuacct/a/cpu.cfs_period_us": 100000}, None),
    ("0::/a", TWO, {"a/cpu.max": "100000 0"}, None),
]


@report(OURS)
@pytest.mark.parametrize(("group", "mounts", "files", "quota"), QUOTAS)
def test_a_quota_of_processors(
    tmp_path: Path, group: str, mounts: str, files: dict[str, object], quota: float | None
) -> None:
    """Docker's `--cpus` and Kubernetes set such limits."""
    assert cpu_quota(tree(tmp_path, group, mounts, files)) == quota


@report("giampaolo/psutil#1140")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM, errno.ENOSYS])
def test_affinity_refused(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The process stays unpinned, with one warning; asking never pins this process itself."""

    def refuse(_pid: int, _cpus: object) -> None:
        raise OSError(number, os.strerror(number))

    before = available_cpus()
    assert pinned_cpus(1) == before[-1:]
    assert available_cpus() == before, "only the thread that asked was pinned"
    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert not pin(before)
    assert pinned_cpus(1) == []
    assert sum("cannot be pinned" in line for line in cautions(1)) == 1


@report("matrix-org/synapse#5506")
def test_affinity_that_cannot_even_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In some sandboxes the processors are unknown, and no process is pinned."""

    def refuse(_pid: int) -> set[int]:
        raise OSError(errno.EPERM, "denied")

    monkeypatch.setattr(os, "sched_getaffinity", refuse)
    assert available_cpus() == pinned_cpus(2) == []
    assert list(cautions(1)) == []


REFUSED = """
import errno, os
def refuse(pid, cpus):
    raise OSError(errno.EINVAL, "Invalid argument")
os.sched_setaffinity = refuse
"""


@pytest.fixture
def unpinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system refuses to pin this process and its children."""

    def refuse(_pid: int, _cpus: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    place = tmp_path / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(REFUSED)
    monkeypatch.setenv("PYTHONPATH", str(place))


@report("matrix-org/synapse#5506")
@pytest.mark.usefixtures("unpinned")
def test_a_sweep_where_affinity_is_refused(tmp_path: Path) -> None:
    """The sweep measures, and says so in one line."""
    one = ("--inputs", "8", "--outputs", "2", "--engines", "forward,reverse", "--rounds", "1", "--blocks", "2")
    with workers_here():
        done = fwdrev("sweep", *one, "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["failures"] == []
    assert done.stderr.count("cannot be pinned") == 1


@report("quiver-team/torch-quiver#162")
@pytest.mark.usefixtures("unpinned")
def test_a_check_where_affinity_is_refused(tmp_path: Path) -> None:
    """Both sides are measured, and there is a verdict."""
    project = make_project(tmp_path / "project")
    tiny = ("--functions", "model:step", "--point", "model:point", "--rounds", "3", "--threshold", "900%")
    with lasting_pairs():
        done = fwdrev("check", "--against", "HEAD", *tiny, cwd=project)
    assert done.returncode in {0, 3}, done.stderr
    assert done.stderr.count("cannot be pinned") == 1


@report(OURS)
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def moody(x):\n    return np.ones(10**9)[: x.size] + x\n", "out of memory"),
        ("LIBRARY = np.empty(10**8)\n", "measured"),
    ],
    ids=["an arm", "an import"],
)
def test_a_side_that_takes_all_memory(tmp_path: Path, code: str, status: str) -> None:
    """The limit ends the arm with a message, where the system would have killed any process.

    Imported libraries do not count: one may map more than any arm takes.
    """
    from fwdrev.bench.records.gate_spec import gate_spec
    from fwdrev.bench.records.observation import Status
    from fwdrev.bench.revisions.git_worktree import revision
    from fwdrev.bench.revisions.rounds import against

    project = make_project(tmp_path / "project")
    (project / "model.py").write_text((project / "model.py").read_text() + f"import numpy as np\n{code}")
    spec = gate_spec({"inputs": "8", "outputs": "2", "rounds": 1, "memory_limit": "300MB"}, ["model:moody"])
    before = Path.cwd()
    os.chdir(project)
    try:
        with revision("HEAD") as sides:
            (only,) = against(spec, sides)
    finally:
        os.chdir(before)
    assert only.head["model:moody"].status is Status(status)
    assert ("Unable to allocate" in str(only.head["model:moody"].reason)) is (status == "out of memory")


SET = {
    "JAX_DISABLE_JIT": "1",
    "JAX_DEBUG_NANS": "true",
    "XLA_FLAGS": "--xla_dump_to=/home/me/secret  --xla_cpu_use_thunk_runtime=false",
    "LD_PRELOAD": "/home/me/lib/libjemalloc.so.2:/usr/lib/libother.so",
    "OPENBLAS_CORETYPE": "Haswell",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "COVERAGE_PROCESS_START": "/home/me/.coveragerc",
    "AWS_SECRET_ACCESS_KEY": "hidden",
    "JAX_COMPILATION_CACHE_DIR": "/home/me/cache",
    "PYTHONOPTIMIZE": "0",
    "JAX_CHECK_TRACER_LEAKS": "False",
    "MKL_CBWR": "",
}


@report("jax-ml/jax#13789")
def test_settings_that_are_recorded() -> None:
    """Settings that affect times are recorded, without the user's folders; unset and possibly secret ones are not."""
    assert settings(SET) == {
        "COVERAGE_PROCESS_START": "…",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "JAX_DEBUG_NANS": "true",
        "JAX_DISABLE_JIT": "1",
        "LD_PRELOAD": "libjemalloc.so.2 libother.so",
        "OPENBLAS_CORETYPE": "Haswell",
        "XLA_FLAGS": "--xla_dump_to=… --xla_cpu_use_thunk_runtime=false",
    }
    assert DISTORTING.keys() <= EFFECTS.keys()
    assert all(name.startswith(PASSED_ON) for name in EFFECTS), "pyperf's workers would not have it"


@report("jax-ml/jax#13789")
def test_what_is_for_debugging_is_said_before_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each debugging setting gives a line; deliberate choices are only recorded."""
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    lines = "\n".join(cautions(1))
    assert "JAX_DISABLE_JIT=1 is set: JAX runs operation by operation" in lines
    assert "JAX_DEBUG_NANS=true is set" in lines
    assert "LD_PRELOAD" not in lines


@report("jax-ml/jax#13789")
def test_a_run_is_not_resumed_under_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the settings that differ, and the remedy."""
    plain = fingerprint(1)
    monkeypatch.setenv("JAX_DISABLE_JIT", "1")
    other = fingerprint(1)
    assert other["settings"] == plain["settings"] | {"JAX_DISABLE_JIT": "1"}
    check_same(tmp_path, other, other)
    with pytest.raises(InputError, match=r"without JAX_DISABLE_JIT, here JAX_DISABLE_JIT is 1: .* unset JAX_DIS"):
        check_same(tmp_path, plain, other)
    with pytest.raises(InputError, match=r"with JAX_DISABLE_JIT 1, here JAX_DISABLE_JIT is missing: .* set JAX_"):
        check_same(tmp_path, other, plain)
    monkeypatch.setenv("JAX_DISABLE_JIT", "0")
    check_same(tmp_path, plain, fingerprint(1))


@report(OURS)
@pytest.mark.parametrize("found", [{}, {"Build Dependencies": {}}, {"Build Dependencies": {"blas": {"name": "x"}}}])
def test_a_numpy_that_does_not_know_its_blas(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]) -> None:
    """Some builds do not know."""
    monkeypatch.setattr(np, "show_config", lambda **_: found)
    assert fingerprint(1)["blas"] in {"unknown", "x"}
