import type { Command } from 'commander';
import type { TrackFlags } from '../track.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero track` */
export function addTrack(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  program
    .command('track')
    .description('send the figures of a run to trackers: all that they have not got yet')
    .argument('<folder>', 'run folder')
    .option(
      '--to <name>',
      'tensorboard, wandb, mlflow or trackio (default: those of the run); may be repeated',
      collect,
    )
    .option('--project <name>', "project of wandb and trackio, experiment of mlflow (default: the run's)")
    .option('--follow', 'go on until the run is over')
    .addHelpText(
      'after',
      `
Nothing is sent twice: what a tracker has got is on record in the run's folder. TensorBoard's file is made anew.
wandb, mlflow and trackio are found where npm run setup:trackers puts them, and take their addresses and credentials from
the environment, as they do everywhere.

Examples:
  rzero track runs/a --to tensorboard
  rzero track runs/a --to wandb --project my-project
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 rzero track runs/a --to mlflow --follow
${exitCodes}`,
    )
    .action(async (folder: string, flags: TrackFlags) => {
      const { trackCommand } = await import('../track.ts');
      finish(await trackCommand(folder, flags, terminal));
    });
}
