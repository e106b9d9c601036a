import type { Command } from 'commander';
import type { LaunchFlags } from '../launch.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero launch` */
export function addLaunch(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  program
    .command('launch')
    .description('write a run down as a job for one machine, Slurm, Kubernetes or SkyPilot, and submit it')
    .argument('<target>', 'local, slurm, kubernetes or skypilot')
    .requiredOption('--out <folder>', 'where the job files, config.yml and keys go')
    .option(
      '--run <folder>',
      "run folder, as the job's machines see it (default: in --out, or below the storage's mountPath)",
    )
    .option('--preset <name>', 'starting point: embedded (default), paper, repo-head, repo-2025, mock')
    .option('--config <file>', 'YAML file over the preset')
    .option('--set <name=value>', 'one option, e.g. launch.slurm.partition=gpu; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--gpus <number>', 'GPUs of a host')
    .option('--hosts <number>', 'hosts with as many GPUs each (default: 1)')
    .option('--gpu <name>', 'their kind: h100, a100-80, ...')
    .option('--count <number>', 'so many workers a host without a plan: the mock, or CPUs')
    .option('--submit', 'hand it in: sbatch, kubectl, sky, or run it here')
    .option('--json', 'what was written and how to submit it, as JSON')
    .addHelpText(
      'after',
      `
What a site has that no plan knows (partition, account, image, storage) is in the configuration's section launch.
The run folder and the key folder stay where they are: the same command again writes the same job anew.

Examples:
  rzero launch local --preset mock --hosts 2 --count 1 --out job --submit
  rzero launch slurm --preset paper --hosts 2 --gpus 8 --gpu h100 --set launch.slurm.partition=gpu --out job
  rzero launch kubernetes --config site.yml --out job
  rzero launch skypilot --preset paper --gpus 8 --gpu h100 --set launch.skypilot.bucket=s3://mine --out job
${exitCodes}`,
    )
    .action(async (target: string, flags: LaunchFlags) => {
      const { launchCommand } = await import('../launch.ts');
      finish(await launchCommand(target, flags, terminal));
    });
}
