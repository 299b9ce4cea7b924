"""``pywall replay --workers N`` and ``--engine dask``: jobs in other processes, their files put together in order."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import leaves
from ..offline.jobs import Job, deal, lines_of, run_job
from ..offline.replay import quiet_collector
from .capture_args import make_hooks
from .common import FAILURE, OK, complain
from .replay_output import Bar, Table, progress_bar

if TYPE_CHECKING:
    from ..config import BoundRule, Config
    from ..offline.tables import FlowTableFile
    from ..plugins.registry import Plugins

Done = Iterator[tuple[Job, str | None]]

Prepared = tuple["Config", "Plugins", "dict[str, list[BoundRule]]"]


def run_jobs(args: argparse.Namespace, prepared: Prepared, paths: list[str], table_file: FlowTableFile | None) -> int:
    """Run the jobs of ``paths`` and print what they found, capture by capture in the order given."""
    stateful = _needs_one_process(prepared[2])
    workers = max(1, args.workers)
    jobs = deal(paths, workers, split=not stateful, rows=table_file is not None, first_packets=args.statistics)
    if stateful and len(paths) < workers:
        complain(f"replay: rules of kind {', '.join(stateful)} know more than two hosts; no capture is split")
    with tempfile.TemporaryDirectory(prefix="pywall-replay-") as name, progress_bar(len(paths)) as bar:
        folder = Path(name)
        if args.engine == "dask":
            from ..offline.cluster import run_on_cluster

            done = run_on_cluster(jobs, args.config, (args.local, args.hook), args.scheduler, workers, folder)
        else:
            done = _in_processes(jobs, args, prepared, workers, folder)
        return _Collector(args.json, paths, jobs, folder, table_file).collect(done, bar)


class _Collector:
    """Puts the jobs' files together. A capture is printed as soon as it and all before it are done."""

    def __init__(
        self, as_json: bool, paths: list[str], jobs: list[Job], folder: Path, table_file: FlowTableFile | None
    ) -> None:
        self._json = as_json
        self._folder = folder
        self._table_file = table_file
        self._table = Table(len(paths))
        self._left = [0] * len(paths)
        self._jobs: list[list[Job]] = [[] for _ in paths]
        self._errors: list[str | None] = [None] * len(paths)
        for job in jobs:
            self._left[job.index] += 1
            self._jobs[job.index].append(job)

    def collect(self, done: Done, bar: Bar) -> int:
        printed = 0
        for job, error in done:
            self._left[job.index] -= 1
            self._errors[job.index] = error or self._errors[job.index]
            while printed < len(self._left) and not self._left[printed]:
                self._print(printed)
                bar.captures(1)
                printed += 1
        if not self._json:
            self._table.print()
        for error in filter(None, self._errors):
            complain(error)
        return FAILURE if any(self._errors) else OK

    def _print(self, index: int) -> None:
        for line in lines_of(self._jobs[index], self._folder):
            if self._json:
                sys.stdout.write(line)
            else:
                self._table.add(json.loads(line))
        for job in self._jobs[index]:
            if self._table_file is not None:
                with job.path(self._folder, "rows").open(encoding="utf-8") as rows:
                    for line in rows:
                        self._table_file.add(json.loads(line))
                job.path(self._folder, "rows").unlink()
            job.path(self._folder, "events").unlink()


#: what a worker process runs; inherited when it is forked, so that plugins are loaded once
_work: Callable[[Job], str | None] | None = None


def _run(job: Job) -> str | None:
    assert _work is not None
    return _work(job)


def _in_processes(jobs: list[Job], args: argparse.Namespace, prepared: Prepared, workers: int, folder: Path) -> Done:
    global _work
    config, plugins, _ = prepared

    def work(job: Job) -> str | None:
        return run_job(job, config, plugins, make_hooks(args), folder)

    _work = work
    context = multiprocessing.get_context("fork")
    with quiet_collector(), ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        futures = {pool.submit(_run, job): job for job in jobs}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                raise OSError(
                    "replay: a worker process was ended from outside (out of memory?); use fewer workers"
                ) from None


def _needs_one_process(chains: dict[str, list[BoundRule]]) -> list[str]:
    """Return the kinds of rules that know hosts beyond one pair: a capture with such rules is not split."""
    kinds = (kind for rules in chains.values() for rule in rules for kind in leaves(rule.condition))
    return sorted({kind.kind for kind in kinds if kind.state == "host"})
