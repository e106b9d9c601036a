"""One GRPO optimiser step on fixed tokens, taken by several trainers: `npm run bench -- train-step`."""
