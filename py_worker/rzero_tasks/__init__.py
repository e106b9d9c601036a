"""Tasks of Reasoning Gym: their items, and their own scores of answers. No part of the worker."""
