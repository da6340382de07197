"""A sweep over the machines of a cluster: one run for each type of machine, side by side in one folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwdrev.api.new_names import as_file_name, claimed_folder
from fwdrev.api.sweep import Report, fields_of, kept, new_folder, tell_grid
from fwdrev.bench.cluster.connection import connected
from fwdrev.bench.cluster.executor import Machine
from fwdrev.bench.cluster.sweep import ClusterSweep, Part, machine_types
from fwdrev.bench.records.machine import differences
from fwdrev.bench.records.observation import Observation
from fwdrev.bench.records.plan import FixedPlan
from fwdrev.bench.records.spec import Planning, Protocol, SweepSpec, make_spec
from fwdrev.bench.sweep.progress import watched
from fwdrev.modes.errors import InputError, SurroundingsError
from fwdrev.results.planning.adaptive import AdaptivePlan
from fwdrev.results.planning.forecast import TimeForecast
from fwdrev.results.runs.journal import Journal, check_new, create, reopen
from fwdrev.results.runs.run import Run, load, runs_in


def cluster_run(
    where: str,
    given: Mapping[str, Any],
    *,
    quick: bool = False,
    spec: Path | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
    begun: Callable[[Path], None] = lambda _: None,
) -> list[tuple[Path, Report]]:
    """Measures on each machine of the cluster `where`; returns the run of each type of machine, and how it ended.

    `resume`: the folder of an earlier such sweep. `told` gets a line for each machine that is left out, lost or new;
    `begun` the folder. Raises InputError; SurroundingsError if machines or the scheduler are lost.
    """
    earlier = [] if resume is None else [load(folder) for folder in runs_in(resume)]
    fields = (
        earlier[0].spec.model_dump(mode="json") | dict(given) if earlier else fields_of(given, quick=quick, spec=spec)
    )
    plan = _checked(make_spec(fields, here=False))
    if out is not None:
        check_new(out)
    folder = resume or (new_folder(plan) if out is None else claimed_folder(out.parent, out.name))
    begun(folder)
    try:
        with ExitStack() as held:
            held.callback(_remove_empty, folder)
            if not earlier:
                tell_grid(plan, told)
            cluster = held.enter_context(connected(where, told))
            types = machine_types(cluster, plan, told)
            opened = [held.enter_context(_opened(machines, folder, plan, earlier, given)) for machines in types]
            for run in earlier:
                if run.folder not in {each.folder for each in opened}:
                    told(f"{run.folder} stays as it is: no machine of its type is in the cluster now")
            return _measured(opened, ClusterSweep(cluster, [each.part for each in opened], told))
    except SurroundingsError as error:
        raise SurroundingsError(f"{error}; {kept(folder, where)}") from None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Opened:
    """The open run of one type of machine."""

    folder: Path
    journal: Journal
    part: Part


@contextmanager
def _opened(
    machines: Sequence[Machine], folder: Path, spec: SweepSpec, earlier: Sequence[Run], given: Mapping[str, Any]
) -> Iterator[_Opened]:
    """The earlier run of this type of machine, or a new one."""
    facts = machines[0].fingerprint
    with ExitStack() as held:
        past: Sequence[Observation] = ()
        run = next((run for run in earlier if not any(differences(run.machine, facts))), None)
        if run is None:
            place = claimed_folder(folder, as_file_name(str(facts.get("cpu_model_name", "")).lower()))
            held.callback(_remove_empty, place)
            journal = held.enter_context(create(place, spec, facts, claimed=True))
        else:
            place = run.folder
            journal, run = held.enter_context(reopen(place, given, run.machine, here=False))
            spec, past = run.spec, run.observations
        forecast = TimeForecast(spec, machines[0].cpus)
        plan = AdaptivePlan(spec, forecast, machines=len(machines)) if spec.adaptive else FixedPlan(spec, forecast)
        yield _Opened(folder=place, journal=journal, part=Part(spec, machines, plan, past))


def _measured(opened: Sequence[_Opened], sweep: ClusterSweep) -> list[tuple[Path, Report]]:
    """Measures; each observation is in its journal before the next one is taken."""
    journals = {each.part: each.journal for each in opened}

    def journaled() -> Iterator[Observation]:
        with closing(iter(sweep)) as found:
            for part, observation in found:
                journals[part].append(observation)
                yield observation

    def left() -> float | None:
        """The longest of the types, each shared by its machines; None while one of them is unknown."""
        times = [(each.part.plan.seconds_left(), len(each.part.machines)) for each in opened]
        known = [seconds / machines for seconds, machines in times if seconds is not None]
        return max(known) if len(known) == len(times) else None

    with closing(watched(journaled(), left)) as observations:
        for _ in observations:
            pass
    parts = [(each.folder, each.part) for each in opened]
    return [
        (
            folder,
            Report(outcome=part.plan.outcome(), measuring=part.measuring_seconds, timed=part.timed_seconds),
        )
        for folder, part in parts
    ]


def _checked(spec: SweepSpec) -> SweepSpec:
    """Raises InputError for what a cluster does not do."""
    if spec.protocol is Protocol.PYPERF:
        raise InputError("--protocol pyperf is for this machine: leave it out, or leave out --cluster")
    if spec.prices is Planning.SECONDS:
        raise InputError("--prices seconds is for this machine, which was calibrated: leave it out beside --cluster")
    return spec


def _remove_empty(folder: Path) -> None:
    """Removes the folder of a sweep that measured nothing."""
    with suppress(OSError):
        folder.rmdir()
