import type { Command } from 'commander';
import type { EvalFlags } from '../eval.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero eval` */
export function addEval(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('eval')
    .description('measure a model, or the Solvers of a run, on benchmarks; run again, it goes on')
    .argument('<model|run>', "embedded, a Hugging Face folder or hub name; or a run's folder")
    .requiredOption(
      '--suite <names>',
      'math, general, all, embedded, names of benchmarks (a,b), or files that describe one',
    )
    .option('--data <folder>', 'take the data from files NAME.jsonl, .json, .csv, .parquet there instead of the hub')
    .option('--iteration <which>', 'of a run: last, best, a number (0 is the base), or all (default: last)')
    .option('--k <number>', "samples an item, for all benchmarks (default: each one's own, 32 for AMC and AIME)")
    .option('--no-greedy', 'leave out the greedy response')
    .option('--limit <number>', 'the first items alone, for a quick look')
    .option('--temperature <number>', 'of samples', '0.6')
    .option('--top-p <number>', 'of samples; 1 is off', '0.95')
    .option('--top-k <number>', 'of samples; 0 is off', '0')
    .option('--max-tokens <number>', "most new tokens of a response (default: each benchmark's own)")
    .option('--seed <number>', 'of the samples, and of the intervals', '1')
    .option('--judge <url>', 'a language model beside the rule grader, at an OpenAI-compatible interface')
    .option('--judge-model <name>', 'the model there; a key goes into the environment as RZERO_JUDGE_KEY')
    .option('--judge-temperature <number>', "of the judge's answers (default: 0; the paper: 0.1)")
    .option('--judge-cache <file>', 'verdicts are kept there too, for other evaluations')
    .option('--judge-max-tokens <number>', "most tokens of a judge's answer, its thinking included (default: 4096)")
    .option('--judge-concurrency <number>', 'requests to the judge at a time (default: 8)')
    .option('--judge-requests-per-minute <number>', 'most of them a minute, tries included (default: no limit)')
    .option('--out <folder>', 'evaluation folder (default: RUN/evals/iteration-K or evals/MODEL)')
    .option('--preset <name>', "how workers compute (default: as the run's configuration says; embedded)")
    .option('--config <file>', 'the same by a YAML file')
    .option('--set <name=value>', 'one option, e.g. worker.backend=vllm; may be repeated', collect)
    .option('--json', 'print scores.json, of several models a list of them')
    .addHelpText(
      'after',
      `
Each item gets one greedy response, and k samples. All of them are kept, each is graded once, and what is there is not
drawn again: the same command goes on where it was stopped, a larger --k or --limit, or another --suite, adds to it.
What would make other responses (another model, temperature, seed, ...) needs a folder of its own: exit code 78.

Examples:
  rzero eval embedded --suite arithmetic --k 2 --limit 20
  rzero eval runs/a --suite embedded --iteration all
  rzero eval Qwen/Qwen3-4B-Base --suite math --preset qwen3-4b --set worker.backend=vllm
  rzero eval runs/a --suite amc,aime-2024 --k 32 --judge http://localhost:8000/v1 --judge-model Qwen/Qwen3-8B
${exitCodes}`,
    )
    .action(async (name: string, flags: EvalFlags) => {
      const { evalCommand } = await import('../eval.ts');
      await evalCommand(name, flags, terminal);
    });
}
