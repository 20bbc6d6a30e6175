"""From a spec to a trained model: building, the training loop, metrics, checkpoints, and the run folder."""
