"""From a configuration and a task to a machine."""

from neuraltape.nn import MANN, NTM, LSTMBaseline
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.settings.model_config import ModelConfig
from neuraltape.tasks.task import Task


def build_model(config: ModelConfig, task: Task) -> SequenceModel:
    """A new machine with the task's input and output size; its weights are drawn from PyTorch's own generator."""
    if config.model == "lstm":
        return LSTMBaseline(
            task.input_size,
            config.hidden_size,
            task.output_size,
            controller_layers=config.controller_layers,
            input_scale=config.input_scale,
        )
    if config.model == "mann":
        return MANN(
            task.input_size,
            config.hidden_size,
            task.output_size,
            memory_slots=config.memory_slots,
            memory_width=config.memory_width,
            read_heads=config.read_heads,
            usage_decay=config.usage_decay,
            controller=config.controller,
            controller_layers=config.controller_layers,
            backend=config.backend,
        )
    machine = NTM(
        task.input_size,
        config.hidden_size,
        task.output_size,
        memory_slots=config.memory_slots,
        memory_width=config.memory_width,
        read_heads=config.read_heads,
        write_heads=config.write_heads,
        controller=config.controller,
        controller_layers=config.controller_layers,
        shift_offsets=config.shift_offsets,
        memory_init=config.memory_init,
        train_initial_memory=config.train_initial_memory,
        train_initial_weights=config.train_initial_weights,
        train_initial_reads=config.train_initial_reads,
        input_scale=config.input_scale,
        backend=config.backend,
    )
    machine.access.set_biases(
        gate=config.gate_bias, write_gate=config.write_gate_bias, write_shift=config.write_shift_bias
    )
    return machine
