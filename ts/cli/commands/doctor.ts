import type { Command } from 'commander';
import type { DoctorFlags } from '../doctor.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero doctor` */
export function addDoctor(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  program
    .command('doctor')
    .description('look whether this machine, and the workers that dial in, are ready for a run')
    .option('--preset <name>', 'starting point: embedded (default), paper, repo-head, repo-2025, mock')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of another run')
    .option('--set <name=value>', 'one option, e.g. worker.backend=vllm; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--out <folder>', 'where the run would go (default: runs/)')
    .option('--listen <address>', 'wait for workers that dial in, e.g. tcp://0.0.0.0:5555 (default: worker.listen)')
    .option('--keys <folder>', 'keys of `rzero keys`, where --listen leaves this machine (default: worker.keys)')
    .option('--expect <number>', 'how many workers to wait for and to look at (default: 1 with --listen)')
    .option('--wait <seconds>', 'how long a worker may take to start or to dial in (default: 300)')
    .option('--json', 'one JSON document instead of the list')
    .addHelpText(
      'after',
      `
Give it the options that rzero run will get. A worker of the configured backend is started and ended again, no model is
loaded, and nothing is left behind. Workers that dial in are left running: they dial again for two minutes, so that
rzero run may take them over. The exit code is 0 where nothing has failed, warnings or not; else it is that of the first
failure: 69 something is not there, 74 a disk, 77 a token, 78 the configuration.

Examples:
  rzero doctor
  rzero doctor --preset paper --model Qwen/Qwen3-4B-Base --set worker.backend=vllm
  rzero doctor --preset paper --listen tcp://0.0.0.0:5555 --keys keys --expect 8
  rzero doctor --json | jq '.checks[] | select(.status == "failed")'
${exitCodes}`,
    )
    .action(async (flags: DoctorFlags) => {
      const { doctorCommand } = await import('../doctor.ts');
      finish(await doctorCommand(flags, terminal));
    });
}
