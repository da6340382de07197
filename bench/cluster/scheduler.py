"""Where a cluster is: `scheduler_address` finds its scheduler, or starts one for the sweep.

Only this file and `connection.py` import Dask, and only when they are called.
"""

import asyncio
import logging
from contextlib import ExitStack
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from fwdrev.bench.records.given_file import explained, toml_of
from fwdrev.modes.errors import InputError

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster as DaskCluster

_ALLOWED = "give the address of a scheduler such as tcp://10.0.0.1:8786, local:N, or a TOML file"

_LOCAL = "local:"

CONNECT_SECONDS = 10.0
"""The seconds for a scheduler to answer."""

_MOST_LOCAL = 1024


class ClusterFile(BaseModel):
    """A TOML file that describes a cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    class_: StrictStr = Field(alias="class")
    workers: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)


def scheduler_address(where: str, held: ExitStack) -> str:
    """The address of a scheduler that answers; one that is started for it ends with `held`.

    `where`: an address, `local:N`, or a TOML file with `class`, `workers` and `arguments`. Raises InputError.
    """
    address = _address(where, held)
    _check_scheduler(address, where)
    return address


def version_here(package: str) -> str:
    """The version of a package on this machine."""
    return version(package)


def _address(where: str, held: ExitStack) -> str:
    if where.startswith(_LOCAL):
        count = where.removeprefix(_LOCAL)
        if not count.isdecimal() or not 1 <= int(count) <= _MOST_LOCAL:
            raise InputError(f"--cluster {where}: give local:N with a number of workers from 1 to {_MOST_LOCAL}")
        return str(held.enter_context(_local(int(count))).scheduler_address)
    path = Path(where)
    if path.suffix == ".toml" or path.is_file():
        return str(held.enter_context(_from_file(path)).scheduler_address)
    if not where.strip() or " " in where or ":" not in where.removeprefix("tcp://").removeprefix("tls://"):
        raise InputError(f"--cluster {where!r}: {_ALLOWED}")
    return where


def _local(count: int) -> "DaskCluster":
    """Workers on this machine, without a Nanny, on the loopback interface only."""
    from distributed.deploy.subprocess import SubprocessCluster

    return SubprocessCluster(
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_class="distributed.Worker",
        n_workers=count,
        threads_per_worker=1,
        worker_kwargs={"resources": {"bench": 1}, "memory_limit": 0, "dashboard": False},
        silence_logs=logging.CRITICAL,
    )


def _from_file(path: Path) -> "DaskCluster":
    """The cluster that a TOML file describes; raises InputError."""
    from distributed.deploy.cluster import Cluster as DaskCluster

    fields = toml_of(path, name=f"--cluster {path}", advice="give the path of a TOML file")
    try:
        file = ClusterFile(**fields)
    except ValidationError as error:
        known = ("class", "workers", "arguments")
        raise InputError(f"--cluster {path}: {explained(error, kind='key', known=known)}") from None
    module, _, name = file.class_.rpartition(".")
    given, advice = f"--cluster {path}: class = {file.class_!r}", "give one such as dask_jobqueue.SLURMCluster"
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise InputError(f"{given} cannot be imported: {advice}, and install its package") from None
    # SSHCluster is a function
    if not (isinstance(made, type) and issubclass(made, DaskCluster)) and module.partition(".")[0] != "distributed":
        raise InputError(f"{given} is no cluster of Dask: {advice}")
    try:
        cluster = made(**file.arguments)
        if file.workers is not None:
            cluster.scale(file.workers)
    except Exception as error:  # noqa: BLE001 - another package's class may raise anything
        raise InputError(f"--cluster {path}: {file.class_} failed: {type(error).__name__}: {error}") from None
    if not isinstance(cluster, DaskCluster):
        raise InputError(f"{given} is no cluster of Dask: {advice}")
    return cluster


def _check_scheduler(address: str, where: str) -> None:
    """Raises InputError unless a scheduler answers there that has the same version of distributed."""
    try:
        told = asyncio.run(asyncio.wait_for(_versions(address), CONNECT_SECONDS))
        there, here = told["packages"]["distributed"], version_here("distributed")
    except Exception as error:  # noqa: BLE001 - whatever else listens there may answer anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
        raise InputError(f"--cluster {where}: no scheduler of Dask answers there ({reason}); {_ALLOWED}") from None
    if there != here:
        msg = f"--cluster {where}: the scheduler has distributed {there}, here is {here}"
        raise InputError(f"{msg}: install the same version in both places")


async def _versions(address: str) -> Any:  # noqa: ANN401 - of a process that may be anything
    from distributed.core import rpc

    async with rpc(address) as scheduler:  # type: ignore[no-untyped-call]
        return await scheduler.versions()
