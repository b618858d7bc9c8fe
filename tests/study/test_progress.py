from pathlib import Path

from neuraltape.study.progress import progress_of
from neuraltape.study.store import Store

LINES = [
    '{"kind": "training", "sequences": 500, "bits": 9, "sequences_per_second": 100.4}',
    '{"kind": "evaluation", "sequences": 500, "bits": 3.14159}',
    '{"kind": "training", "sequences": 12500, "bits": 2, "sequences_per_second": 1234.5}',
]


def test_progress_is_read_from_the_last_lines(store: Store) -> None:
    assert progress_of(store, "trial")() == {}
    padding = '{"kind": "evaluation", "sequences": 1, "bits": 7}\n' * 200
    store.write("trial/metrics.jsonl", (padding + "\n".join(LINES) + '\n{"kind": "tra').encode())
    found = progress_of(store, "trial")()
    assert found == {"sequences": "12,500", "bits": "3.14", "training": "2", "a second": "1,234"}
    assert list(found) == ["sequences", "bits", "training", "a second"]


def test_a_store_elsewhere_is_not_asked_all_the_time(tmp_path: Path) -> None:
    for url, seen in ((f"memory://{tmp_path.name}", "500"), (str(tmp_path), "12,500")):
        store = Store(url)
        progress = progress_of(store, "trial")
        store.write("trial/metrics.jsonl", f"{LINES[0]}\n".encode())
        assert progress()["sequences"] == "500"
        store.write("trial/metrics.jsonl", f"{LINES[2]}\n".encode())
        assert progress()["sequences"] == seen
