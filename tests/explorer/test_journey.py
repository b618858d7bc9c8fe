import pytest

pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")

import torch
from fastapi.testclient import TestClient

from neuraltape import DNC
from neuraltape.evaluation.journey import travel
from neuraltape.explorer import answer, create_app
from neuraltape.explorer.journey import EXAMPLES
from neuraltape.tasks.journey import Journey
from tests.explorer.unpack import unpack

QUESTION = "from Victoria, Victoria line north, Central line east"


@pytest.fixture(scope="module")
def client(places):
    app = create_app(models={name: places / name for name in ("travels", "copy")})
    with TestClient(app, base_url="http://127.0.0.1") as found:
        yield found


def test_a_journey_of_a_memory_too_large_to_be_followed_is_refused(client, monkeypatch):
    monkeypatch.setattr(answer, "NUMBERS", 1_000)
    refused = ask(client)
    assert refused.status_code == 422
    assert "can be followed for at most" in refused.json()["detail"]


def ask(client, machine="travels", **draft):
    return client.post("/api/run", json={"machine": f"model:{machine}", "draft": {"journey": QUESTION} | draft})


def test_an_answer_is_told_in_names(client, places):
    header, arrays = unpack(ask(client, seed=4).content)
    travelled = travel(DNC.from_pretrained(places / "travels"), Journey.read(QUESTION), seed=4)
    assert header["form"] == "journey"
    told = header["journey"]
    assert told["asked"] == str(travelled.journey)
    assert "Central west" in told["onward"]
    assert [tuple(step["said"]) for step in told["steps"][-3:]] == [step.said for step in travelled.answers]
    assert told["steps"][-1]["names"] == ["Oxford Circus", "Central east", "Tottenham Court Road"]
    assert len(told["steps"]) == arrays["input"].shape[0] == 132
    assert header["labels"] == list(travelled.trace.labels[0])
    assert sum(header["mask"]) == 3
    assert header["score"]["of"] == 27


def test_the_machine_that_ships_answers_the_first_example():
    model = DNC.from_pretrained("underground")
    travelled = travel(model, Journey.read(EXAMPLES[0]))
    assert [step.said[-1] for step in travelled.answers] == ["Green Park", "Oxford Circus", "Tottenham Court Road"]
    assert travelled.right
    # A read head is on the ride while it is answered.
    last = torch.stack([head.weights[-1, 0] for head in travelled.trace.heads if head.kind == "read"]).amax(0)
    assert travelled.trace.labels[0][last.argmax()] == "Oxford Circus, Central east: Tottenham Court Road"


def test_the_list_says_who_can_be_asked(client):
    machines = {each["name"]: each for each in client.get("/api/machines").json()["machines"]}
    assert machines["copy"]["journeys"] is None
    assert machines["travels"]["form"] == "episode"
    assert machines["travels"]["journeys"]["maps"] == ["junctions", "underground"]
    for example in machines["travels"]["journeys"]["examples"]:
        Journey.read(example)


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        ({"journey": "Vicoria, Victoria north"}, "did you mean Victoria"),
        ({"map": "paris"}, "map"),
        ({"journey": ""}, "journey"),
        ({"machine": "copy"}, "journeys are for those that learned graph-traversal"),
    ],
)
def test_what_cannot_be_asked_is_refused(client, draft, message):
    answer = ask(client, **draft)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]
