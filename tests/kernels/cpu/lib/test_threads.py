import ctypes
import os
import signal
import threading
import time
from array import array

import pytest
import torch

from neuraltape.kernels.cpu.lib import threads

Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@pytest.fixture(params=["openmp", "python"])
def kind(request, monkeypatch):
    """PyTorch's own threads, and those that stand in for them."""
    if request.param == "python":
        monkeypatch.setattr(threads, "_forked", True)
    elif threads.openmp() is None:
        pytest.skip("this PyTorch does not run on an OpenMP that can be reached")
    return request.param


def test_a_team_has_no_more_threads_than_pytorch_and_no_more_than_tasks():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert [threads.team(tasks) for tasks in (1, 2, 3, 4)] == [1, 2, 3, 3]
    finally:
        torch.set_num_threads(before)


def test_every_task_is_done_when_the_team_has_returned(kind):
    job, lock, done = array("q", range(57)), threading.Lock(), []
    left = list(job)

    @Call
    def work(address):
        assert address == job.buffer_info()[0]
        while True:
            with lock:
                if not left:
                    return
                number = left.pop()
            done.append(number)

    for _ in range(20):
        left, done = list(job), []
        threads.run(work, job, 3)
        assert sorted(done) == list(job)


def test_openmp_calls_from_every_thread_of_the_team():
    if threads.openmp() is None:
        pytest.skip("this PyTorch does not run on an OpenMP that can be reached")
    seen, job = [], array("q", [0])
    meet = threading.Barrier(3, timeout=60)

    @Call
    def work(_):
        meet.wait()
        seen.append(threading.get_native_id())

    threads.run(work, job, 3)
    assert len(set(seen)) == 3
    assert threading.get_native_id() in seen


def test_several_python_threads_have_their_own_teams(kind):
    counts = [0] * 4

    def use(number):
        job, lock = array("q", [0]), threading.Lock()

        @Call
        def work(_):
            with lock:
                counts[number] += 1

        for _ in range(20):
            threads.run(work, job, 2)

    users = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    # Who comes too late for a job does not call.
    assert all(count == 40 if kind == "openmp" else 20 <= count <= 40 for count in counts)


def test_room_is_kept_and_belongs_to_one_thread():
    mine, theirs = threads.room(100), []
    assert mine.address == threads.room(50).address
    assert mine.address % 64 == 0
    worker = threading.Thread(target=lambda: theirs.append(threads.room(100)))
    worker.start()
    worker.join()
    assert abs(mine.address - theirs[0].address) >= 100


def test_large_room_is_given_back():
    small = threads.room(100)
    large = threads.room(threads._KEPT_ROOM + 1)
    assert large.memory.nbytes > threads._KEPT_ROOM
    assert threads.room(100).address == small.address


def test_a_move_to_threads_of_pythons_own_is_said_once(monkeypatch, caplog):
    monkeypatch.setattr(threads, "_forked", True)
    threads._say_so.cache_clear()
    work = Call(lambda _: None)
    for _ in range(2):
        threads.run(work, array("q", [0]), 2)
    assert [record.message for record in caplog.records if "Python's threads" in record.message] == [
        "neuraltape: the kernels run on Python's threads: "
        "this process was forked, and OpenMP's threads do not live on in it"
    ]


@pytest.mark.skipif(not hasattr(os, "fork") or threads.openmp() is None, reason="no fork, or no OpenMP of GNU's kind")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_pytorch_s_threads_of_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.ones(1000, 1000).exp()
        child = os.fork()
        if child == 0:
            torch.ones(1000, 1000).exp()
            os._exit(1 if threads._forked else 0)
        for _ in range(300):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            time.sleep(0.1)
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child waits for threads that it does not have")
        assert status == 0
        torch.ones(1000, 1000).exp()
    finally:
        torch.set_num_threads(before)
