"""Arrays that stay in their file, and what becomes of who reads a file that is cut short meanwhile."""

import pickle
import subprocess
import sys
import threading
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.tasks import DataError, Sequences, stored
from neuraltape.tasks.stored import DataFile, Drawn, Stored

SHAPE = (5, 4, 3)


def written(path: Path, array: np.ndarray, *, before: int = 7) -> Stored:
    """An array behind some bytes that are none of it."""
    path.write_bytes(b"x" * before + array.tobytes() + b"y")
    return Stored(DataFile(str(path)), array.dtype, before, array.shape)


@pytest.mark.parametrize("placed", [True, False], ids=["at a place", "one after the other"])
@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", ">f8", "?", "f2"])
def test_what_is_read_is_what_numpy_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, placed: bool
) -> None:
    monkeypatch.setattr(stored, "_PLACED", placed)
    array = np.arange(60).reshape(SHAPE).astype(dtype)
    found = written(tmp_path / "a", array)
    assert (found.shape, found.ndim, found.size, found.nbytes, len(found)) == (SHAPE, 3, 60, array.nbytes, 5)
    views = {
        "all": (found, array),
        "some steps": (found.seen(slice(1, 3)), array[:, 1:3]),
        "of these": (found.seen(slice(1, None)).seen(slice(-1)), array[:, 1:-1]),
    }
    one = written(tmp_path / "b", array[:, :, :1].copy())
    views |= {"flat": (one.flat(), array[:, :, 0]), "back": (one.flat().columns(), array[:, :, :1])}
    views |= {"its steps": (one.seen(slice(2, None)).flat(), array[:, 2:, 0])}
    for name, (mine, numpys) in views.items():
        assert mine.shape == numpys.shape, name
        for rows in (slice(None), slice(1, 3), slice(9, 12), np.array([4, 0, 0]), np.array([2, 3]), np.array([], int)):
            assert np.array_equal(mine[rows], numpys[rows]), (name, rows)
            assert mine[rows].dtype == dtype
        steps = numpys.shape[1] - 1
        for rows in ([3, 1], [1, 2]):
            assert np.array_equal(mine.rows(np.array(rows), steps), numpys[rows, :steps]), name
        # What comes out is the caller's.
        mine[:].fill(1)
        assert np.array_equal(mine.whole(), numpys)
        drawn = Drawn(mine)
        assert (drawn.shape, drawn.dim(), len(drawn)) == (numpys.shape, numpys.ndim, 5)
        expected = torch.from_numpy(numpys.astype(np.float64))
        for got, wanted in (
            (drawn[:], expected),
            (drawn[torch.tensor([3, 1])], expected[[3, 1]]),
            (drawn[torch.tensor([3, 1]), :2], expected[[3, 1], :2]),
            (drawn[torch.tensor([], dtype=torch.int64)], expected[:0]),
        ):
            assert torch.equal(got.double(), wanted)
            assert got.dtype == drawn.dtype
        small = {"u1": torch.uint8, "f4": torch.float32, "?": torch.bool, "i8": torch.int64}
        assert drawn.dtype == (small[dtype] if dtype in small and (dtype, numpys.ndim) != ("i8", 3) else torch.float32)
    for shape in ((60,), (), (0, 4, 3)):
        some = array.reshape(-1)[: int(np.prod(shape))].reshape(shape)
        assert np.array_equal(written(tmp_path / "c", some).whole(), some)


def test_a_file_is_itself_whoever_bears_its_name(tmp_path: Path) -> None:
    path, array = tmp_path / "a", np.arange(60.0).reshape(SHAPE)
    mine = written(path, array)
    # As it is sent to another process.
    assert np.array_equal(deepcopy(mine).whole(), array)
    (tmp_path / "new").write_bytes(bytes(600))
    (tmp_path / "new").replace(path)
    mine.file.check()
    assert np.array_equal(mine.whole(), array)
    # Who gets it by its name gets another one.
    with pytest.raises(DataError, match="a was rewritten while it was in use"):
        deepcopy(mine)


def test_a_file_that_ends_too_early_is_said(tmp_path: Path) -> None:
    path, array = tmp_path / "a", np.arange(60.0).reshape(SHAPE)
    mine = written(path, array)
    with open(path, "r+b") as file:
        file.truncate(7 + 4 * array[0].nbytes)
    assert np.array_equal(mine[:4], array[:4])
    for rows in (slice(None), np.array([0, 4])):
        with pytest.raises(DataError, match=r"a was rewritten while it was in use.* \(which may then be renamed"):
            mine[rows]
    with pytest.raises(DataError, match="a ends before its numbers do"):
        _ = Stored(DataFile(str(path)), array.dtype, 7, SHAPE).whole()


def test_a_large_file_takes_little_memory_and_kills_nobody_who_reads_it_while_it_is_cut_short(tmp_path: Path) -> None:
    """Of a mapped file the end was a bus error at any moment between a look at its size and the last number."""
    path = tmp_path / "a.npz"
    inputs = np.zeros((50_000, 60, 8), np.uint8)
    inputs[::3] = 1
    np.savez(path, inputs=inputs, lengths=np.resize(np.arange(2, 61), 50_000))
    program = (
        "import sys, torch\n"
        "from neuraltape.tasks import DataError, Sequences\n"
        "from neuraltape.tasks.table_task import TableTask\n"
        # The most memory there was; what getrusage says begins with that of whoever started this process.
        "def kilobytes(name):\n"
        "    return int(open('/proc/self/status').read().partition(name + ':')[2].split()[0]) if linux else 0\n"
        "linux = sys.platform == 'linux'\n"
        "if linux: open('/proc/self/clear_refs', 'w').write('5')\n"
        "before = kilobytes('VmRSS')\n"
        "task = Sequences(sys.argv[1])\n"
        "batch = task.sample(16, torch.Generator().manual_seed(0))\n"
        "assert batch.inputs.shape[1:] == (16, 8)\n"
        "print((kilobytes('VmHWM') - before) * 1024, flush=True)\n"
        "try:\n"
        # Without a look at the file before or after.
        "    while True: TableTask.batch(task, torch.randint(50_000, (64,)))\n"
        "except DataError as error: print(error, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        # Measured: 16 MB, of which the mask and the lengths are most. Of a mapped file it was 1.2 times its size.
        grown = int(reader.stdout.readline())
        assert grown < path.stat().st_size
        with open(path, "r+b") as file:
            file.truncate(4096)
        assert "a.npz was rewritten while it was in use" in reader.stdout.readline()
    assert reader.returncode == 0


def test_threads_that_read_one_file_get_each_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_PLACED", False)
    array = np.arange(4000).reshape(1000, 4)
    mine, wrong = written(tmp_path / "a", array), []

    def read(seed: int) -> None:
        drawn = np.random.default_rng(seed).integers(0, 1000, (50, 20))
        wrong.extend(rows for rows in drawn if not np.array_equal(mine[rows], array[rows]))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_a_task_that_is_sent_to_another_process_takes_no_numbers_along(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, inputs=np.ones((2000, 60, 8), np.float64))
    task = Sequences(str(path)).resolved()
    task.prepare()
    assert len(pickle.dumps(task.table.inputs)) < 1000
    assert deepcopy(task.table.inputs)[torch.arange(3)].sum() == 3 * 59 * 8


def test_another_process_finds_the_file_from_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = pickle.dumps(written(Path("a"), np.arange(60, dtype="u1").reshape(SHAPE)))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(kept).whole().sum() == 1770  # noqa: S301
    (tmp_path / "a").unlink()
    with pytest.raises(DataError, match="a: cannot be read: No such file"):
        pickle.loads(kept)  # noqa: S301


def test_padding_beyond_what_four_bytes_hold_is_nobodys_business(tmp_path: Path) -> None:
    drawn = Drawn(written(tmp_path / "a", np.full(SHAPE, 1e300)))
    # Warnings are errors here.
    assert torch.isinf(drawn[:]).all()


@pytest.mark.parametrize("contents", [(), (5,), "abc"])
def test_contents_that_no_run_has_kept_are_refused(contents: object) -> None:
    with pytest.raises(ValueError, match=r"^contents must be a text for each file, as a run keeps them; got "):
        Sequences("x.npz", contents=contents)  # type: ignore[arg-type]
