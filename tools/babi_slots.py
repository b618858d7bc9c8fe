"""Show which slots a machine that reads bAbI word by word uses for whom.

python tools/babi_slots.py DATA_DIR RUN [--stories 100]

For task 1: at each full stop, where the write head's focus is greatest, and at each question mark, where the read
head's is, by the person the sentence is about.
"""

from argparse import ArgumentParser
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from neuraltape.evaluation.run import taken
from neuraltape.nn import kind_of
from neuraltape.runs import load_run
from neuraltape.tasks import Babi
from neuraltape.tasks.stories import ASK, STOP


def main() -> None:
    """Trace and print."""
    parser = ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("run", type=Path)
    parser.add_argument("--stories", type=int, default=100)
    options = parser.parse_args()
    run = load_run(options.run)
    assert isinstance(run.task, Babi)
    assert kind_of(run.model).name == "ntm"
    task = replace(run.task, data_dir=options.data_dir)
    held_out = task.held_out()
    stories = [story for _, story in task.stories["test"]][: options.stories]
    # In task 1 a fact begins with the person, and a question ends with them.
    people = {fact[0] for story in stories for question in story for fact in question.facts}
    batch = held_out.batch(held_out.rows[: options.stories])
    trace = run.model.trace(taken(run.model, batch), lengths=batch.lengths)
    focus = {STOP: trace.write_weights[:, :, 0].argmax(-1), ASK: trace.read_weights[:, :, 0].argmax(-1)}
    used: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for story, length in enumerate(batch.lengths.tolist()):
        person = ""
        for step in range(length):
            word = task.vocabularies.inputs[int(batch.inputs[step, story])]
            person = word if word in people else person
            if word in focus:
                used[person, word][int(focus[word][step, story])] += 1
    for person in sorted(people):
        for mark, verb in ((STOP, "written to"), (ASK, "read")):
            slots = ", ".join(f"slot {slot} {count} times" for slot, count in used[person, mark].most_common(5))
            print(f"{person}, {verb} at {mark!r}: {slots}")


if __name__ == "__main__":
    main()
