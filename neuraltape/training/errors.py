"""What can end a training before its time."""


class NonFiniteError(RuntimeError):
    """A loss, a gradient or a weight is NaN or infinite. The message names the step, the tensor and the saved batch."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended the training after a checkpoint. The message says how to go on."""


class ProcessLostError(RuntimeError):
    """Another process of the same training is gone or did not answer in time."""
