"""The page's own forward pass against Python's traces, in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from neuraltape import NTM
from neuraltape.explorer import create_app
from neuraltape.nn.pretrained import PACKAGED, packaged_names, saved_arguments
from tests.explorer.browser.served import served
from tests.explorer.conftest import COPY

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.slow]

NTMS = [name for name in packaged_names() if saved_arguments(PACKAGED / name)[0] == "ntm"]
# Machines that are not packaged: every controller, layers, heads, moves and starts.
MADE: dict[str, dict[str, Any]] = {
    "linear": {"controller_layers": 2, "linear_units": 3, "read_heads": 2, "write_heads": 2},
    "gru": {
        "controller": "gru", "controller_layers": 2, "memory_init": "learned", "train_initial_weights": True,
        "train_initial_reads": True, "input_scale": 2.5,
    },
    "feedforward": {
        "controller": "feedforward", "controller_layers": 3, "memory_init": "random", "shift_offsets": (2, 0, -3),
        "write_heads": 3,
    },
    "still": {"controller": "lstm", "shift_offsets": (0,), "train_initial_memory": True, "memory_width": 1},
}  # fmt: skip
# How far a number of the page may lie from Python's, in parts of it where it is above 1. Both compute in float64 here,
# and a trace holds float32: measured are 6e-8.
BOUND = 1e-6
# The same where Python computes in float32, or draws noise in it; its own rounding, measured are 2e-6. In a machine
# that was broken it can grow without a bound, whoever computes.
BOUND_SINGLE = 1e-5
SINGLE = "copy-in-float32"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("machines")
    for seed, (name, options) in enumerate(MADE.items()):
        torch.manual_seed(seed)
        made = NTM(5, 7, 4, **({"memory_slots": 9, "memory_width": 5} | options))
        with torch.no_grad():
            for each in made.parameters():
                each.mul_(1.5).add_(0.01)
        made.double().save_pretrained(root / name)
        (root / name / "config.yaml").write_text(COPY)
    for name in NTMS:
        NTM.from_pretrained(name).double().save_pretrained(root / name)
        shutil.copy(PACKAGED / name / "config.yaml", root / name)
    return {name: root / name for name in (*MADE, *NTMS)} | {SINGLE: PACKAGED / "copy"}


@pytest.fixture(scope="module")
def shown(only_page, machines) -> Iterator[Any]:
    page, wrong, _ = only_page
    with served(create_app(models=machines, chosen=SINGLE)) as address:
        page.goto(address)
        page.wait_for_selector("#stages canvas")
        yield page
        page.goto("about:blank")
    wrong.clear()


# What is compared in the page: the same request, computed there and by the server.
COMPARE = """async (asked) => {
    const { state } = await import("explorer/store");
    const { able, load, run } = await import("explorer/engine/local");
    const { Trace } = await import("explorer/trace");
    const { runMachine, weightsOf } = await import("explorer/api");
    const found = [];
    for (const body of asked) {
        const about = state.machines.find((each) => each.id === body.machine);
        if (!able(about)) { found.push({ machine: about.id, able: false }); continue; }
        const machine = load(about, await weightsOf(about, about.id), body.slots ?? null);
        const own = await run(machine, about, body.draft, body.changes ?? [], null);
        const theirs = Trace.unpack(await runMachine(body));
        let most = 0;
        const shapes = [];
        for (const [name, [, shape]] of Object.entries(theirs.arrays)) {
            if (!own.has(name) || own.arrays[name][1].join() !== shape.join()) { shapes.push(name); continue; }
            const [one, other] = [own.at(name), theirs.at(name)];
            for (let i = 0; i < other.length; i++) {
                const error = Math.abs(one[i] - other[i]) / Math.max(1, Math.abs(other[i]));
                // NaN is never small.
                if (!(error <= most)) most = error;
            }
        }
        const rest = ({ arrays, values, more, range, nowhere, score, ...others }) => others;
        found.push({
            machine: about.id, able: true, most, shapes, numbers: theirs.values.length,
            more: Object.keys(own.arrays).filter((name) => !theirs.has(name)),
            ours: rest(own), theirs: rest(theirs), scores: [own.score, theirs.score],
        });
    }
    return found;
}"""


def random_draft(name: str, seed: int = 0) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)

    def bits(rows: int, width: int) -> list[list[int]]:
        return torch.randint(2, (rows, width), generator=generator).tolist()

    if name == "associative-recall":
        return {"vectors": bits(12, 6), "numbers": {"query": 2}}
    if name == "repeat-copy":
        return {"vectors": bits(5, 8), "numbers": {"repeats": 3}}
    if name == "priority-sort":
        priorities = (torch.rand(20, generator=generator) * 2 - 1).tolist()
        priorities[3] = priorities[7]
        return {"vectors": bits(20, 8), "columns": {"priority": priorities}}
    if name == "ngrams":
        return {"vectors": bits(60, 1)}
    return {"vectors": bits(20, 8) if name == "copy" else bits(4, 4)}


def changes(name: str) -> list[dict[str, Any]]:
    """Every kind of change, over some steps each."""
    width = saved_arguments(PACKAGED / name)[1]["memory_width"] if name in NTMS else MADE[name].get("memory_width", 5)
    moves = MADE.get(name, {}).get("shift_offsets", (-1, 0, 1))
    one = [0.0] * (len(moves) - 1) + [1.0]
    return [
        {"kind": "force", "head": "write 1", "parameter": "gate", "value": 0.3, "first": 1, "last": 4},
        {"kind": "force", "head": "read 1", "parameter": "strength", "value": 7.5, "first": 2},
        {"kind": "force", "parameter": "sharpness", "value": 1.5, "first": 0, "last": 2},
        {"kind": "force", "head": "read 1", "parameter": "shift", "value": one, "first": 3, "last": 3},
        {"kind": "force", "parameter": "key", "value": [0.25] * width, "first": 5, "last": 5},
        {"kind": "force", "parameter": "add", "value": -0.5, "first": 2, "last": 2},
        {"kind": "force", "head": "write 1", "parameter": "erase", "value": 1.0, "first": 3, "last": 4},
        {"kind": "no-shift", "head": "write 1", "first": 4, "last": 5},
        {"kind": "freeze", "head": "read 1", "first": 0, "last": 1},
        {"kind": "freeze", "first": 6, "last": 6},
        {"kind": "focus", "head": "write 1", "slots": [2, 0], "first": 5, "last": 5},
        {"kind": "erase", "slots": [1], "first": 3, "last": 3},
        {"kind": "freeze", "first": 1000},
    ]


def test_the_page_computes_what_python_does(shown, machines):
    """The largest difference in any number of any trace; measured in all of these: see BOUND."""
    asked = []
    bounds = []
    for name in (*MADE, *NTMS):
        request = {"machine": f"model:{name}", "draft": random_draft(name)}
        asked += [request, request | {"changes": changes(name)}]
        bounds += [BOUND, BOUND]
    damage = {"kind": "damage", "slots": [0, 3, 2], "deviation": 0.5, "seed": 2**40 + 11, "first": 4, "last": 5}
    asked.append({"machine": "model:gru", "draft": random_draft("gru"), "changes": [damage]})
    copy = {"machine": f"model:{SINGLE}", "draft": random_draft("copy")}
    asked += [copy, copy | {"slots": 40}]
    found = shown.evaluate(COMPARE, asked)
    assert len(found) == len(asked) == len(bounds) + 3
    for each, bound in zip(found, [*bounds, *[BOUND_SINGLE] * 3], strict=True):
        assert each["able"], each["machine"]
        assert (each["shapes"], each["more"]) == ([], []), each["machine"]
        assert each["numbers"] > 100
        assert each["most"] <= bound, (each["machine"], each["most"])
        assert each["ours"] == each["theirs"], each["machine"]
        ours, theirs = each["scores"]
        assert (ours["wrong"], ours["of"]) == (theirs["wrong"], theirs["of"])
        assert ours["bits"] == pytest.approx(theirs["bits"], abs=1e-3)
        assert (ours["optimum"] is None) == (theirs["optimum"] is None)
        if ours["optimum"] is not None:
            assert ours["optimum"] == pytest.approx(theirs["optimum"], rel=1e-5)


def test_noise_is_what_pytorch_draws(shown):
    """Damage is the same here and there: below sixteen numbers PyTorch draws them in another way than above."""
    cases = [(1, 0), (7, 3), (15, 2**53), (16, 5), (20, 7), (60, 2**32 + 1)]
    found = shown.evaluate(
        """async (cases) => {
            const { normals } = await import("explorer/engine/noise");
            return cases.map(([count, seed]) => [...normals(count, seed)]);
        }""",
        cases,
    )
    for (count, seed), numbers in zip(cases, found, strict=True):
        expected = torch.randn(count, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(torch.tensor(numbers), expected, rtol=1e-5, atol=1e-5)


# What the page is not sure of, or cannot be: it has to refuse each, so that the server computes it or says why.
REFUSED = """async () => {
    const { state } = await import("explorer/store");
    const { able, load, run } = await import("explorer/engine/local");
    const { weightsOf } = await import("explorer/api");
    const about = state.machines.find((each) => each.id === "model:copy-in-float32");
    const buffer = await weightsOf(about, about.id);
    const draft = { vectors: [[1, 0, 0, 0, 1, 0, 0, 0]] };
    const config = (more) => ({ ...about, config: { ...about.config, ...more } });
    const bytes = (change) => { const copy = buffer.slice(0); change(new Uint8Array(copy)); return copy; };
    const latin = (found) => new TextDecoder("latin1").decode(found);
    const tries = {
        option: () => load(config({ unheard_of: 1 }), buffer),
        controller: () => load(config({ controller: "mine" }), buffer),
        shape: () => load(config({ memory_width: 21 }), buffer),
        start: () => load(config({ memory_init: "learned" }), buffer),
        machine: () => load(config({ machine: "mann" }), buffer),
        format: () => load(config({ format: 3 }), buffer),
        short: () => load(about, buffer.slice(0, 5)),
        cut: () => load(about, buffer.slice(0, buffer.byteLength - 8)),
        header: () => load(about, bytes((found) => (found[0] = 255))),
        half: () => load(about, bytes((found) => found.set([49, 54], latin(found).indexOf("F32") + 1))),
        head: () => run(load(about, buffer), about, draft, [{ kind: "freeze", head: "read 2" }], null),
        slot: () => run(load(about, buffer), about, draft, [{ kind: "erase", slots: [128] }], null),
        value: () => run(load(about, buffer), about, draft, [{ kind: "force", parameter: "gate", value: 1.5 }], null),
        kind: () => run(load(about, buffer), about, draft, [{ kind: "sing" }], null),
        bit: () => run(load(about, buffer), about, { vectors: [[2, 0, 0, 0, 1, 0, 0, 0]] }, [], null),
        width: () => run(load(about, buffer), about, { vectors: [[1, 0]] }, [], null),
        long: () => run(load(about, buffer), about, { vectors: Array(1001).fill(draft.vectors[0]) }, [], null),
    };
    const passed = [];
    for (const [name, attempt] of Object.entries(tries)) {
        try { await attempt(); passed.push(name); } catch {}
    }
    await run(load(about, buffer), about, draft, [], null);
    return passed;
}"""


def test_what_the_page_is_not_sure_of_it_refuses(shown):
    assert shown.evaluate(REFUSED) == []
