"""Folders to the Hugging Face hub. No part of the worker, which needs none of it."""
