import pytest

from neuraltape.training import progress
from neuraltape.training.counters import Counters
from neuraltape.training.progress import Bar, Lines, Pace, Silent, make_progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_the_pace_is_measured_between_two_looks(clock: list[float]) -> None:
    pace = Pace(2.0)
    # A resumed run has sequences at its first look already.
    seen = []
    for clock[0], sequences in ((0.0, 1000), (1.9, 1010), (2.0, 1100), (3.0, 1200), (4.0, 1400)):
        if pace.due(Counters(sequences=sequences)):
            seen.append((clock[0], pace.rate))
    assert seen == [(2.0, 50.0), (4.0, 150.0)]


def test_a_plain_line_says_score_pace_and_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines("copy", 10_000, "bits a sequence")
    for clock[0], sequences, bits in ((0.0, 0, None), (5.0, 500, None), (10.0, 1000, None), (20.0, 4000, 0.25)):
        lines.update(Counters(sequences=sequences, bits=bits), 3.14159)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "copy: 1,000 of 10,000 sequences, score none yet, training 3.14, 100 sequences/s, at most 0:01:30 left",
        "copy: 4,000 of 10,000 sequences, score 0.25 bits a sequence, training 3.14, 300 sequences/s, "
        "at most 0:00:20 left",
    ]


def test_the_bar_shows_score_pace_and_sequences(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    bar = Bar("copy", 10_000, "bits a sequence")
    for clock[0], sequences in ((0.0, 0), (10.0, 5000)):
        bar.update(Counters(sequences=sequences, bits=0.5), 1.5)
    bar.close()
    shown = capsys.readouterr().err
    for part in ("copy", "5,000/10,000", "score 0.5 bits", "training 1.5 bits", "500/s"):
        assert part in shown


@pytest.mark.parametrize("make", [Bar, Lines])
def test_what_happens_is_a_line_of_its_own(
    make: type[Bar] | type[Lines], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    shown = make("copy", 100, "bits a sequence")
    shown.say("starting [over]")
    shown.close()
    assert "copy: starting [over]\n" in capsys.readouterr().err


def test_unwanted_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    silent = make_progress("copy", 10, "bits a sequence", wanted=False)
    assert isinstance(silent, Silent)
    silent.update(Counters(), 0.0)
    silent.say("nobody hears it")
    silent.close()
    assert capsys.readouterr() == ("", "")


def test_what_is_no_terminal_gets_lines() -> None:
    assert isinstance(make_progress("copy", 10, "bits a sequence", wanted=True), Lines)


def test_a_score_that_is_no_bits_is_named(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for make in (Bar, Lines):
        clock[0] = 0.0
        shown = make("sequences", 100, "mean squared error")
        for clock[0] in (0.0, 20.0):
            shown.update(Counters(sequences=10, bits=0.5), 1.5)
        shown.close()
        said = capsys.readouterr().err
        assert "0.5 mean squared error" in said
        assert "bits" not in said
