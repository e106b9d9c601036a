"""The parts of the mock backend: a real learner that needs the standard library alone."""
