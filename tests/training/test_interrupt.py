import signal
import threading

import pytest

from neuraltape.training import interrupt
from neuraltape.training.interrupt import StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_who_listened_before_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert not signals.requested
        signal.raise_signal(number)
        assert signals.requested
        # The same Ctrl-C can come twice.
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_interrupts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "SAME_SECONDS", -1.0)
    with StopSignals():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_outside_of_the_main_thread_it_does_nothing() -> None:
    seen = []

    def work() -> None:
        with StopSignals() as signals:
            seen.append(signals.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
