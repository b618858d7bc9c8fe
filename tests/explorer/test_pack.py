"""The header says of any trace what it lists; the numbers are those of the trace."""

import numpy as np

from neuraltape.explorer.pack import pack
from tests.explorer.made_up import ABOUT, STEPS, made_up
from tests.explorer.unpack import stage_of, unpack


def test_heads_stages_and_numbers_are_those_of_the_trace():
    trace = made_up(memory=True)
    header, arrays = unpack(pack(trace, ABOUT))
    assert header["machine"] == "frog"
    assert [(each["name"], each["kind"]) for each in header["heads"]] == [("ear 1", "read"), ("write 1", "write")]
    ear = header["heads"][0]
    assert [(each["name"], each["kind"]) for each in ear["stages"]] == [
        ("sniff", "similarity"), ("<b>hop over</b>", "focus"), ("land", "focus")
    ]  # fmt: skip
    for stage in trace.heads[0].stages:
        np.testing.assert_array_equal(stage_of(header, arrays, "ear 1", stage.name), stage.weights[:, 0])
    scent, courage = ear["stages"][0]["numbers"]
    assert (scent["name"], scent["size"], scent["ticks"]) == ("scent", 5, None)
    assert (courage["name"], courage["size"]) == ("courage", 1)
    np.testing.assert_array_equal(arrays[courage["array"]], trace.heads[0].stages[0].numbers["courage"][:, 0])
    assert ear["stages"][1]["numbers"][0]["ticks"] == ["left", "right"]
    (sound,) = ear["vectors"]
    np.testing.assert_array_equal(arrays[sound["array"]], trace.heads[0].vectors["sound"][:, 0])


def test_a_number_has_its_bounds_and_an_unknown_one_has_none():
    trace = made_up()
    trace.heads[0].stages[2].numbers.update(
        gate=trace.heads[0].stages[0].numbers["courage"], sharpness=trace.heads[0].stages[0].numbers["courage"]
    )
    header, _ = unpack(pack(trace, ABOUT))
    gate, sharpness = header["heads"][0]["stages"][2]["numbers"]
    assert (gate["low"], gate["high"]) == (0, 1)
    assert (sharpness["low"], sharpness["high"]) == (1, None)
    courage = header["heads"][0]["stages"][0]["numbers"][1]
    assert (courage["low"], courage["high"]) == (None, None)


def test_what_a_trace_does_not_have_is_not_there():
    trace = made_up()
    header, arrays = unpack(pack(trace, ABOUT))
    assert header["labels"] is None
    assert not {"memory", "firstMemory"} & set(arrays)
    assert header["heads"][0]["first"] is None
    first = trace.heads[1].first
    assert first is not None
    np.testing.assert_array_equal(arrays[header["heads"][1]["first"]], first[0])
    labelled, _ = unpack(pack(made_up(labels=True), ABOUT))
    assert labelled["labels"] == ["a leaf", "a stone", "a log"]
    assert unpack(pack(made_up(memory=True), ABOUT))[1]["memory"].shape == (STEPS, 3, 2)
