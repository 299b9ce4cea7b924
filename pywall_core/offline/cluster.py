"""Jobs on a cluster (dask.distributed). Each job's files come back as bytes, so workers share no disk with us but the
captures: these must be readable under the same path on every worker.

A job whose worker dies is run again by the scheduler; its result is taken once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from .jobs import Job, Outcome, run_job
from .replay import Hooks, quiet_collector
from .sequence import Asked

Sides = tuple[Sequence[IPv4Network | IPv6Network], str | None]


def run_on_cluster(
    jobs: list[Job], config: str | None, sides: Sides, asked: Asked, scheduler: str | None, workers: int, folder: Path
) -> Iterator[tuple[Job, Outcome]]:
    """Run the jobs and put their files into ``folder``. Without ``scheduler`` a cluster of ``workers`` processes is
    started on this machine for the time.

    :raises OSError: dask.distributed is not installed, or the scheduler does not answer
    """
    try:
        import distributed
    except ImportError:
        raise OSError("replay: --engine dask needs dask.distributed: pip install 'pywall-core[dask]'") from None
    from ..config import read

    dask: Any = distributed
    name, text, _ = read(config)
    cluster = None
    if scheduler is None:
        cluster = dask.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    try:
        with dask.Client(scheduler or cluster, timeout="10s") as client:
            futures = {
                client.submit(_run_remote, job, name, text, sides, asked, key=f"replay-{job.index}-{job.part}"): job
                for job in jobs
            }
            for future in dask.as_completed(list(futures)):
                outcome, files = future.result()
                job = futures[future]
                for kind, data in files.items():
                    job.path(folder, kind).write_bytes(data)
                future.release()
                yield job, outcome
    finally:
        if cluster is not None:
            cluster.close()


def _run_remote(job: Job, name: str, text: bytes, sides: Sides, asked: Asked) -> tuple[Outcome, dict[str, bytes]]:
    from ..config import loads
    from ..model.packet import HOOK_NAMES
    from ..plugins.loader import load

    config = loads(text, name, strict=False)
    plugins = load(config)
    plugins.bind(config)
    numbers: dict[str, Any] = {hook: number for number, hook in HOOK_NAMES.items()}
    hooks = Hooks(sides[0], numbers.get(sides[1] or ""))
    with tempfile.TemporaryDirectory(prefix="pywall-replay-") as place:
        folder = Path(place)
        with quiet_collector():
            outcome = run_job(job, config, plugins, hooks, asked, folder)
        kinds = ["events", *(["rows"] if asked.rows else []), *(["dropped"] if asked.dropped else [])]
        return outcome, {kind: job.path(folder, kind).read_bytes() for kind in kinds}
