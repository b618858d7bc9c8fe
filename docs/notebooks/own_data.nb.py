# %% [markdown]
# # Your own data
#
# Sequences of your own are a file: JSON, CSV, NumPy or Parquet ([the guide](../own-data.md) has all forms). Here each
# sequence is a few symbols, 0 to 3, and at every step the machine has to name the symbol of two steps before.

# %%
import json
from pathlib import Path
from tempfile import mkdtemp

import torch

SYMBOLS, BACK = 4, 2
folder = Path(mkdtemp())
data, run = folder / "two-back.jsonl", folder / "run"
generator = torch.Generator().manual_seed(0)
with data.open("w", encoding="utf-8") as file:
    for _ in range(400):
        length = int(torch.randint(4, 9, (), generator=generator))
        symbols = torch.randint(0, SYMBOLS, (length,), generator=generator).tolist()
        targets, mask = [0] * BACK + symbols[:-BACK], [0] * BACK + [1] * (length - BACK)
        file.write(json.dumps({"inputs": symbols, "targets": targets, "mask": mask}) + "\n")
print(data.read_text(encoding="utf-8").splitlines()[0])

# %% [markdown]
# The file is a task like any other. A tenth of its rows is kept from training.

# %%
from neuraltape.tasks import Sequences

task = Sequences(str(data), kind="classes")
print({name: len(rows) for name, rows in task.parts.items()})

# %% [markdown]
# ## Training
#
# The same as `neuraltape train --data two-back.jsonl --kind classes`, with a small machine.

# %%
from neuraltape.nn import NTMConfig
from neuraltape.settings import AdamSettings, LoopSettings, Settings
from neuraltape.training import train

settings = Settings(
    task=task,
    model=NTMConfig(hidden_size=32, memory_slots=16, memory_width=8),
    optimizer=AdamSettings(learning_rate=1e-2),
    loop=LoopSettings(max_sequences=1600, evaluate_every=400, evaluate_sequences=40, report_every=20),
)
result = train(settings, run_dir=run, progress=False)
print(f"after {result.sequences:,} sequences: {result.wrong:.2f} wrong answers a sequence, on rows kept apart")

# %% [markdown]
# ## How it learned

# %%
from neuraltape.plotting import plot_learning, plot_sequences
from neuraltape.runs import load_run

plot_learning({"two-back": load_run(run).metrics}, score_name=task.score_name)

# %% [markdown]
# ## What it answers
#
# Three of the rows that it never saw: what went in, the probability of each class with the target ringed, and where
# the heads looked. Steps that nobody asks about are pale.

# %%
from neuraltape.evaluation import show_rows

machine, task = load_run(run)
shown, trace = show_rows(machine, task, task.parts["validation"][:3])
plot_sequences(shown, "classes", symbols=True, trace=trace, score_name=task.score_name)

# %% [markdown]
# ## Asking it
#
# Symbols are looked up by the machine itself (`embedding_size`), so it takes them as integers.

# %%
asked = torch.tensor([3, 1, 0, 2, 2, 1])
with torch.no_grad():
    answers, _ = machine(asked.unsqueeze(1))
print(f"{asked.tolist()} -> {answers[:, 0].argmax(-1).tolist()[BACK:]}, two steps before")

# %% [markdown]
# Next: [your own access](own_access.nb.py).
