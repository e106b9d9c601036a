import type { Command } from 'commander';

/** Options of a command that says what a run cost. */
export function addPrice(command: Command): Command {
  return command
    .option('--price <amount>', 'what an hour of one device costs, as 2.5: with it the page says what the run cost')
    .option('--currency <sign>', 'of the price', '$');
}
