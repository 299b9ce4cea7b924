"""``pywall replay --workers N`` and ``--engine dask``: jobs in other processes, their files put together in order."""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..offline.jobs import Job, Outcome, deal, run_job
from ..offline.replay import quiet_collector
from ..offline.shares import dropped_blocks, event_lines, rows, why_not_split, why_split_failed
from .capture_args import make_hooks
from .common import complain
from .progress import Bar
from .replay_output import Output

if TYPE_CHECKING:
    from ..config import BoundRule, Config
    from ..offline.sequence import Asked
    from ..plugins.registry import Plugins

Done = Iterator[tuple[Job, Outcome]]

Prepared = tuple["Config", "Plugins", "dict[str, list[BoundRule]]"]


def run_jobs(
    args: argparse.Namespace,
    prepared: Prepared,
    sequences: Sequence[Sequence[str]],
    asked: Asked,
    output: Output,
    bar: Bar,
) -> list[str]:
    """Run the jobs of ``sequences`` and put out what they found, in the order given. Return what could not be read."""
    workers = max(1, args.workers)
    whole = "--flow" if asked.flow else why_not_split(prepared[2])
    jobs = deal(sequences, workers, split=not whole)
    if whole and len(sequences) < workers:
        complain(f"replay: {whole}: what it knows goes beyond two hosts, so no capture is split")
    with tempfile.TemporaryDirectory(prefix="pywall-replay-") as name:
        folder = Path(name)

        def work(job: Job) -> Outcome:
            return run_job(job, prepared[0], prepared[1], make_hooks(args), asked, folder)

        if args.engine == "dask":
            from ..offline.cluster import run_on_cluster

            done = run_on_cluster(jobs, args.config, (args.local, args.hook), asked, args.scheduler, workers, folder)
        else:
            done = _in_processes(jobs, work, workers)
        return _Collector(jobs, len(sequences), work, prepared[0].table.flows, folder, output, bar).collect(done)


class _Collector:
    """Puts the jobs' files together. A sequence is put out as soon as it and all before it are done."""

    def __init__(
        self,
        jobs: list[Job],
        sequences: int,
        work: Callable[[Job], Outcome],
        flows: int,
        folder: Path,
        output: Output,
        bar: Bar,
    ) -> None:
        self._work = work
        self._flows = flows
        self._folder = folder
        self._output = output
        self._bar = bar
        self._jobs: list[list[Job]] = [[] for _ in range(sequences)]
        self._outcomes: list[list[Outcome]] = [[] for _ in range(sequences)]
        for job in sorted(jobs, key=lambda job: job.part):
            self._jobs[job.index].append(job)

    def collect(self, done: Done) -> list[str]:
        """Take the jobs as they are done. Return what could not be read, in the order of the sequences."""
        put_out = 0
        for job, outcome in done:
            self._outcomes[job.index].append(outcome)
            while put_out < len(self._jobs) and len(self._outcomes[put_out]) == len(self._jobs[put_out]):
                self._put_out(put_out)
                put_out += 1
        return [error for outcomes in self._outcomes for error in outcomes[0].errors]

    def _put_out(self, index: int) -> None:
        jobs = self._jobs[index]
        if len(jobs) > 1:
            jobs = self._whole_or_shares(index, jobs)
        output = self._output
        for line in event_lines(jobs, self._folder):
            output.line(line)
        if output.table_file is not None:
            for row in rows(jobs, self._folder):
                output.table_file.add(row)
        if output.dropped is not None:
            for block in dropped_blocks(jobs, self._folder):
                output.dropped.add_block(block)
        for job in self._jobs[index]:
            for kind in ("events", "rows", "dropped"):
                job.path(self._folder, kind).unlink(missing_ok=True)
        self._bar.captures(len(jobs[0].captures))

    def _whole_or_shares(self, index: int, jobs: list[Job]) -> list[Job]:
        """Return the shares, or one job for the whole where they may differ from it."""
        why = why_split_failed(self._outcomes[index], self._flows)
        if not why:
            return jobs
        complain(f"replay: {', '.join(jobs[0].captures[:3])}: read again in one piece: {why}")
        whole = replace(jobs[0], part=0, parts=1)
        self._outcomes[index] = [self._work(whole)]
        return [whole]


#: what a worker process runs; inherited when it is forked, so that plugins are loaded once
_work: Callable[[Job], Outcome] | None = None


def _run(job: Job) -> Outcome:
    assert _work is not None
    return _work(job)


def _in_processes(jobs: list[Job], work: Callable[[Job], Outcome], workers: int) -> Done:
    global _work
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
