"""The worker of rzero: tokens, log-probs, gradients and checkpoints behind one socket."""
