"""What the explorer answers."""

import base64
import json
import os
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
from fastapi.testclient import TestClient

from neuraltape import NTM
from neuraltape.evaluation.answerer import Answerer
from neuraltape.evaluation.session import Session
from neuraltape.explorer import create_app, page
from neuraltape.nn import Force
from neuraltape.tasks import TASKS, Draft
from tests.explorer.asking import RUN, VECTORS, ask
from tests.explorer.conftest import save_run
from tests.explorer.unpack import stage_of, unpack


def test_the_list_has_every_machine_and_says_what_is_wrong_with_the_broken(client, places):
    answer = client.get("/api/machines").json()
    found = {each["id"]: each for each in answer["machines"]}
    assert answer["chosen"] == "copy"
    assert found["model:copy"]["task"] == "copy"
    assert found["model:copy"]["sizes"] == {"input": 5, "output": 4}
    assert [found[f"model:{name}"]["form"] for name in ("copy", "nameless", "omniglot", "answers")] == [
        "vectors", "vectors", "episode", "story"
    ]  # fmt: skip
    assert found["model:nameless"]["task"] is None
    assert found["run:first"]["progress"]["sequences"] == 5000
    assert len(found["run:first"]["progress"]["curve"]) == 5
    assert found["run:broken"]["problem"].startswith("its files are broken")
    assert found["run:young"]["problem"] == "no checkpoint yet"
    assert found["model:lstm"]["problem"] == "it is a machine of the kind lstm, which has no memory to look into"
    assert found["model:wordless"]["problem"] == "it takes words and has no vocabulary.json"
    assert found["model:mann"]["problem"] is None
    assert str(places) not in json.dumps(answer)


def test_a_run_is_what_the_machine_does(client, places):
    header, arrays = unpack(ask(client).content)
    task = TASKS["copy"](bits=4)
    batch = task.compose(Draft(torch.tensor(VECTORS).float())).batch
    ntm = NTM.from_pretrained(places / "copy")
    with torch.no_grad():
        outputs, _ = ntm(batch.inputs)
    # Measured: 6e-8, a backend's rounding.
    np.testing.assert_allclose(arrays["output"], outputs[:, 0], atol=1e-5)
    np.testing.assert_array_equal(arrays["input"], batch.inputs[:, 0])
    np.testing.assert_array_equal(arrays["target"], batch.targets[:, 0])
    assert [head["name"] for head in header["heads"]] == ["read 1", "write 1"]
    assert header["places"] == [0, 1, 2]
    # Three vectors of four bits: targets are counted, not steps.
    assert header["score"]["of"] == 12
    assert header["score"]["wrong"] == int(task.score(outputs, batch).wrong[0])
    for head in ("read 1", "write 1"):
        assert stage_of(header, arrays, head, "sharpen").shape == (7, 12)
        np.testing.assert_allclose(stage_of(header, arrays, head, "sharpen").sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "force", "head": "write 1", "parameter": "gate", "value": 1.0},
        {"kind": "force", "head": "read 1", "parameter": "shift", "value": [0.0, 0.0, 1.0], "first": 2, "last": 3},
        {"kind": "freeze", "head": "write 1"},
        {"kind": "focus", "head": "read 1", "slots": [3], "first": 2},
        {"kind": "no-shift", "head": "read 1", "first": 1},
        {"kind": "erase", "slots": [0, 1, 2], "first": 3, "last": 3},
        {"kind": "damage", "slots": [0], "first": 3, "last": 3, "deviation": 2.0, "seed": 3},
    ],
)
def test_a_change_changes_the_run(client, change):
    _, plain = unpack(ask(client).content)
    _, changed = unpack(ask(client, changes=[change]).content)
    assert np.abs(plain["output"] - changed["output"]).max() > 1e-6


def test_a_change_after_the_end_changes_nothing(client):
    late = {"kind": "freeze", "head": "write 1", "first": 500}
    assert ask(client, changes=[late]).content == ask(client).content


def test_the_trace_file_is_that_of_the_library(client, places):
    tensors = load(ask(client, "/api/trace", changes=[{"kind": "force", "parameter": "gate", "value": 1.0}]).content)
    batch = TASKS["copy"](bits=4).compose(Draft(torch.tensor(VECTORS).float())).batch
    trace = NTM.from_pretrained(places / "copy").trace(batch.inputs, intervene=Force(parameter="gate", value=1.0))
    assert torch.equal(tensors["read 1/sharpen/weights"], trace.head("read 1").weights)


def test_a_machine_without_a_task_runs_on_what_is_pasted(client):
    header, arrays = unpack(ask(client, machine="model:nameless", draft={"vectors": [[0.5, 0, -1, 2, 0]] * 3}).content)
    assert header["task"] is None
    assert header["score"] is None
    assert "target" not in arrays


def test_random_drafts_come_from_their_seed(client):
    asked = {"machine": "model:copy", "length": 4, "seed": 7}
    first, second = (client.post("/api/draw", json=asked).json() for _ in range(2))
    other = client.post("/api/draw", json=asked | {"seed": 8}).json()
    assert first == second != other
    assert len(first["vectors"]) == 4


def test_a_replay_holds_everything_it_shows(client):
    body = {"lanes": [RUN], "labels": ["main"], "step": 2, "language": "zh"}
    page = client.post("/api/replay", json=body).text
    data = json.loads(re.search(r'id="replay">(.*?)</script>', page)[1].replace("\\u003c", "<"))
    assert base64.b64decode(data["data"][0]) == ask(client).content
    assert "/static/" not in page
    assert not re.search(r"https?://(?!www\.w3\.org)", page)


def test_another_kind_of_machine_is_traced_like_any(client):
    header, arrays = unpack(ask(client, machine="model:mann", draft={"vectors": [[0, 1, 0, 1, 0]] * 3}).content)
    names = ["read 1", "read 2", "read 3", "read 4", "write 1", "write 2", "write 3", "write 4"]
    assert [head["name"] for head in header["heads"]] == names
    assert [stage["name"] for stage in header["heads"][4]["stages"]] == ["read before", "least used", "write gate"]
    np.testing.assert_allclose(stage_of(header, arrays, "read 1", "look up").sum(-1), 1, atol=1e-5)


def test_an_episode_is_drawn_from_its_seed_and_shows_pictures(client):
    def episode(seed: int, **changes):
        return unpack(ask(client, machine="model:omniglot", draft={"length": 3, "seed": seed}, **changes).content)

    header, arrays = episode(1)
    assert header["pictures"]["side"] == 8
    assert arrays["input"].shape == (30, 64 + 3)
    assert (header["targets"], header["score"]["of"], header["free"]) == ("classes", 30, 0)
    np.testing.assert_array_equal(arrays["target"].sum(-1), 1)
    np.testing.assert_allclose(arrays["chance"].sum(-1), 1, atol=1e-5)
    assert header["score"]["wrong"] == arrays["wrong"].sum() == sum(header["mistakes"])
    assert np.abs(episode(2)[1]["input"] - arrays["input"]).max() > 0
    np.testing.assert_array_equal(episode(1)[1]["input"], arrays["input"])
    forced = episode(1, changes=[{"kind": "force", "head": "write 1", "parameter": "gate", "value": 1.0}])
    assert np.abs(forced[1]["output"] - arrays["output"]).max() > 1e-6


def test_without_the_data_an_episode_is_refused_in_one_line_that_says_how_to_get_it(places, tmp_path):
    app = create_app(models={"omniglot": places / "omniglot"}, data_dir=str(tmp_path))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/api/machines").json()["machines"][0]["problem"] is None
        answer = ask(client, machine="model:omniglot", draft={"length": 3, "seed": 1})
    assert answer.status_code == 422
    assert "get it with: neuraltape data get omniglot" in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


STORY = {"facts": ["Mary went to the kitchen.", "John went to the garden."], "question": "Where is Mary?"}


def test_a_story_labels_the_slots_with_its_sentences(client, places):
    header, arrays = unpack(ask(client, machine="model:answers", draft=STORY).content)
    assert header["labels"] == STORY["facts"]
    assert [head["name"] for head in header["heads"]] == ["hop 1", "hop 2", "hop 3"]
    answer = told(places, STORY)
    assert header["answers"][0] == [answer.words, pytest.approx(answer.probability, abs=1e-5)]
    # In the order in which they were told.
    for hop in range(3):
        weights = [fact.weights[hop] for fact in answer.facts]
        np.testing.assert_allclose(stage_of(header, arrays, f"hop {hop + 1}", "look up")[0], weights, atol=1e-5)


def told(places, story):
    session = Session(Answerer.load(places / "answers"))
    for fact in story["facts"]:
        session.tell(fact)
    return session.ask(story["question"])


def test_a_hop_can_be_made_to_look_elsewhere(client):
    change = {"kind": "focus", "head": "hop 2", "slots": [0]}
    header, arrays = unpack(ask(client, machine="model:answers", draft=STORY, changes=[change]).content)
    np.testing.assert_allclose(stage_of(header, arrays, "hop 2", "look up")[0], [1, 0])


def test_an_unknown_word_is_named(client):
    answer = ask(client, machine="model:answers", draft=STORY | {"question": "Where is Mxry?"})
    assert (answer.status_code, "Mary" in answer.json()["detail"] or "mary" in answer.json()["detail"]) == (422, True)


def test_the_examples_are_those_whose_words_are_known(client):
    machines = {each["id"]: each for each in client.get("/api/machines").json()["machines"]}
    found = machines["model:answers"]["examples"]
    assert [each["question"] for each in found] == ["Where is Mary?"]


def test_a_new_checkpoint_is_seen_and_the_old_one_kept(tmp_path):
    save_run(tmp_path / "live", seed=1)
    app = create_app(runs=[tmp_path])
    with TestClient(app, base_url="http://127.0.0.1") as client:
        before = client.get("/api/machines").json()["machines"][0]
        old = ask(client, machine="run:live").content
        save_run(tmp_path / "live", seed=2)
        after = client.get("/api/machines").json()["machines"][0]
        assert after["version"] != before["version"]
        assert ask(client, machine="run:live").content != old
        first = after["snapshots"][0]
        assert first["sequences"] == 5000
        assert (
            unpack(ask(client, machine=first["id"]).content)[1]["output"].tolist() == unpack(old)[1]["output"].tolist()
        )
        save_run(tmp_path / "later", seed=3)
        assert {each["name"] for each in client.get("/api/machines").json()["machines"]} == {"live", "later"}


def test_a_listing_loads_nothing_twice(client, monkeypatch):
    first = client.get("/api/machines").json()

    def never(*which):
        raise AssertionError(f"{which} was read again")

    monkeypatch.setattr("neuraltape.explorer.machines.load", never)
    assert client.get("/api/machines").json() == first


def test_a_browser_keeps_the_pages_files_until_they_change(client, tmp_path, monkeypatch):
    def script() -> str:
        return re.search(r'src="(static/[^"]+/boot\.js)"', client.get("/").text)[1]

    first = script()
    assert script() == first
    assert "immutable" in client.get(f"/{first}").headers["cache-control"]
    # What is not there may come to be.
    assert client.get(f"/{first}x").headers["cache-control"] == "no-cache"
    shutil.copytree(page.STATIC, tmp_path / "static")
    (tmp_path / "static" / "style.css").write_text("body { color: red }")
    monkeypatch.setattr(page, "STATIC", tmp_path / "static")
    second = script()
    assert second != first
    (tmp_path / "static" / "style.css").rename(tmp_path / "static" / "colours.css")
    assert script() not in (first, second)
    # Today's files under another version are not kept for that one's.
    assert client.get(f"/{first}").status_code == 200
    assert client.get(f"/{first}").headers["cache-control"] == "no-cache"


def test_runs_that_are_made_later_are_found(tmp_path, places):
    with TestClient(create_app(runs=[tmp_path / "runs"]), base_url="http://127.0.0.1") as found:
        assert found.get("/api/machines").json()["machines"] == []
        shutil.copytree(places / "runs" / "first", tmp_path / "runs" / "first")
        assert [each["id"] for each in found.get("/api/machines").json()["machines"]] == ["run:first"]


def test_a_folder_with_odd_files_is_listed_with_its_reason_and_nothing_waits(tmp_path, places):
    for name in ("pipe", "deep", "deep-model"):
        shutil.copytree(places / "runs" / "first", tmp_path / name)
    (tmp_path / "pipe" / "metrics.jsonl").unlink()
    os.mkfifo(tmp_path / "pipe" / "metrics.jsonl")
    (tmp_path / "deep" / "config.yaml").write_text("[" * 100_000)
    (tmp_path / "deep-model" / "model" / "config.json").write_text("[" * 100_000)
    with TestClient(create_app(runs=[tmp_path]), base_url="http://127.0.0.1") as client:
        found = {each["id"]: each for each in client.get("/api/machines").json()["machines"]}
    assert found["run:pipe"]["problem"] is None
    assert found["run:pipe"]["progress"]["sequences"] is None
    assert found["run:deep"]["problem"] == "its config.yaml cannot be read"
    assert found["run:deep-model"]["problem"].startswith("its files are broken")


def test_what_a_run_was_on_its_way_can_be_run_and_taken(tmp_path):
    save_run(tmp_path / "live", seed=1)
    NTM(5, 16, 4, memory_slots=12, memory_width=6).save_pretrained(tmp_path / "early")
    (tmp_path / "live" / "snapshots").mkdir()
    shutil.copy(tmp_path / "early" / "model.safetensors", tmp_path / "live" / "snapshots" / "250.safetensors")
    (tmp_path / "live" / "snapshots" / "500.safetensors").write_bytes(b"nothing")
    (tmp_path / "live" / "snapshots" / "notes.txt").write_text("")
    with TestClient(create_app(runs=[tmp_path]), base_url="http://127.0.0.1") as client:
        (about,) = client.get("/api/machines").json()["machines"]
        assert about["learning"] == [{"id": "run:live#250", "sequences": 250}, {"id": "run:live#500", "sequences": 500}]
        weights = client.get("/api/weights", params={"machine": "run:live#250"})
        expected = load((tmp_path / "early" / "model.safetensors").read_bytes())
        assert all(torch.equal(each, expected[name]) for name, each in load(weights.content).items())
        assert ask(client, machine="run:live#250").content != ask(client, machine="run:live").content
        broken = client.get("/api/weights", params={"machine": "run:live#500"})
        assert "500.safetensors is broken" in broken.json()["detail"]
        for nothing in ("", "run:live#251", "run:live#../../model", "nobody"):
            assert client.get("/api/weights", params={"machine": nothing}).status_code == 404


def test_slots_are_as_many_as_asked_for_where_the_machine_allows_it(client):
    _, arrays = unpack(ask(client, machine="model:copy", slots=7).content)
    assert arrays["memory"].shape[1] == 7
    assert ask(client, machine="model:copy", slots=5_000).status_code == 422
    vectors = [[1, 0, 1, 0, 0]]
    refused = ask(client, machine="model:mann", slots=7, draft={"vectors": vectors})
    assert refused.status_code == 422
    assert "slots" in refused.json()["detail"]
