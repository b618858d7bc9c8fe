import threading

import numpy as np
import pytest
import torch

from neuraltape.kernels.cpu import threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_every_task_runs_once(two_threads):
    seen = []
    threads.run(seen.append, 57)
    assert sorted(seen) == list(range(57))


def test_an_error_in_a_task_reaches_the_caller(two_threads):
    def task(number):
        if number == 3:
            raise KeyError("third")

    with pytest.raises(KeyError, match="third"):
        threads.run(task, 8)


def test_room_is_kept_and_belongs_to_one_thread():
    mine, theirs = threads.room(100, np.dtype(np.float32)), []
    assert mine.ctypes.data == threads.room(50, np.dtype(np.float32)).ctypes.data
    worker = threading.Thread(target=lambda: theirs.append(threads.room(100, np.dtype(np.float32))))
    worker.start()
    worker.join()
    assert not np.shares_memory(mine, theirs[0])
