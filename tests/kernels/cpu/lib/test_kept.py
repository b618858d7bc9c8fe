import threading

import numpy as np

from neuraltape.kernels.cpu.lib.kept import _RECORD, Kept, kept

ROOM = 1000


def arrays(most):
    return Kept(lambda count: np.zeros(count, np.uint8), lambda made: made.nbytes, most)


def test_what_was_made_is_given_again():
    made = arrays(10 * _RECORD)
    assert made(7) is made(7)
    assert made(7) is not made(8)
    assert made.bytes == 2 * _RECORD + 15


def test_options_are_arguments_too():
    made = kept(len, 10 * _RECORD)(lambda count, *, fill: [fill] * count)
    assert made(2, fill=1) == [1, 1]
    assert made(2, fill=0) == [0, 0]
    assert made(2, fill=1) is made(2, fill=1)


def test_what_is_kept_stays_below_its_bound_and_the_oldest_goes_first():
    most = 4 * (_RECORD + ROOM)
    made, seen = arrays(most), []
    for count in range(ROOM - 20, ROOM):
        seen.append(made(count))
        assert made.bytes <= most
    assert [made(ROOM - number) is seen[-number] for number in (1, 2, 3, 4)] == [True] * 4
    assert made(ROOM - 5) is not seen[-5]


def test_what_is_larger_than_the_bound_is_made_anew_and_drives_nothing_out():
    made = arrays(2 * _RECORD)
    small = made(1)
    assert made(2 * _RECORD) is not made(2 * _RECORD)
    assert made(1) is small


def test_threads_that_make_the_same_count_it_once():
    together = threading.Barrier(4)

    def make(count):
        together.wait()
        return np.zeros(count, np.uint8)

    made = Kept(make, lambda each: each.nbytes, 10 * _RECORD)
    threads = [threading.Thread(target=made, args=(5,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert made.bytes == _RECORD + 5
