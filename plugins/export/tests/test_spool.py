"""The spool keeps records in order, within its bound, over crashes and restarts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_export.record import Record
from pywall_export.spool import Spool

LIMIT = 1 << 20


def records(first: int, count: int, size: int = 1) -> list[Record]:
    return [Record(f"p-{n}", b'{"n":%d,"x":"%s"}' % (n, b"x" * size)) for n in range(first, first + count)]


def drain(spool: Spool, most: int = 100) -> list[Record]:
    found: list[Record] = []
    while spool.waiting:
        found += spool.read(most)
        spool.forget()
    return found


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 60)),
        st.tuples(st.just("send"), st.integers(1, 60)),
        st.tuples(st.just("fail"), st.integers(1, 60)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(1, 5000))
def test_first_in_first_out_over_restarts(
    tmp_path_factory: pytest.TempPathFactory, work: list[tuple[str, int]], size: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, 64 << 20)
    spool._segment_bytes = 20_000
    wanted: list[Record] = []
    number = 0
    for what, n in work:
        if what == "append":
            new = records(number, n, size)
            spool.append(new)
            wanted += new
            number += n
        elif what == "restart":
            spool.close()
            spool = Spool(folder, 64 << 20)
            spool._segment_bytes = 20_000
        else:
            assert spool.read(n) == wanted[:n]
            if what == "send":
                spool.forget()
                wanted = wanted[n:]
        assert spool.waiting == len(wanted)
        assert spool.size == sum(path.stat().st_size for path in folder.glob("*.spool"))
    assert drain(spool) == wanted
    assert spool.size == 0
    assert (spool.lost, spool.damaged) == (0, 0)
    spool.close()


def test_a_full_spool_counts_what_finds_no_room_and_takes_more_when_there_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    spool.append(records(0, 3000, 1000))
    kept = spool.waiting
    assert spool.size <= LIMIT
    assert kept + spool.lost == 3000
    assert kept > 1000
    assert [each.id for each in drain(spool)] == [f"p-{n}" for n in range(kept)]
    spool.append(records(5000, 1))
    assert drain(spool) == records(5000, 1)


def test_room_comes_back_segment_by_segment(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    for n in range(0, 2000, 50):
        spool.append(records(n, 50, 1000))
    lost = spool.lost
    assert lost
    spool.read(300)
    spool.forget()
    spool.append(records(3000, 100, 1000))
    assert spool.lost == lost


def test_a_line_cut_by_a_crash_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    spool.append(records(0, 10))
    spool.close()
    (segment,) = tmp_path.glob("*.spool")
    segment.write_bytes(segment.read_bytes()[:-4])
    spool = Spool(tmp_path, LIMIT)
    spool.append(records(10, 2))
    assert drain(spool) == [*records(0, 9), *records(10, 2)]
    assert spool.damaged == 1


def test_a_line_that_was_overwritten_is_counted_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    spool.append(records(0, 3))
    (segment,) = tmp_path.glob("*.spool")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(lines[0] + b"\0" * (len(lines[1]) - 1) + b"\n" + lines[2])
    assert len(spool.read(10)) == len(spool.read(10)) == 2
    spool.forget()
    assert (spool.damaged, spool.waiting) == (1, 0)


@pytest.mark.parametrize("position", ["", "no number", "7", "99999 12"])
def test_an_unreadable_position_gives_duplicates_never_a_loss(tmp_path: Path, position: str) -> None:
    spool = Spool(tmp_path, LIMIT)
    spool.append(records(0, 10))
    spool.read(4)
    spool.forget()
    spool.close()
    (tmp_path / "position").write_text(position)
    assert drain(Spool(tmp_path, LIMIT)) == records(0, 10)


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    with pytest.raises(BlockingIOError):
        Spool(tmp_path, LIMIT)
    spool.close()
    Spool(tmp_path, LIMIT).close()


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new", LIMIT)
    spool.append(records(0, 1))
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "new").glob("*.spool"))


def test_a_full_disk_is_counted_and_leaves_whole_lines() -> None:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        pytest.skip("no /dev/shm")
    pytest.importorskip("resource")
    _with_a_small_file_size(folder)


def _with_a_small_file_size(folder: Path) -> None:
    import resource
    import shutil
    import signal

    place = folder / f"pywall-spool-{id(folder)}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    spool = Spool(place, LIMIT)
    try:
        spool.append(records(0, 10, 100))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        spool.append(records(10, 10, 100))
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        spool.append(records(20, 1, 100))
        assert spool.lost == 10
        assert drain(spool) == [*records(0, 10, 100), *records(20, 1, 100)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
        shutil.rmtree(place)
