import { existsSync } from 'node:fs';
import { Option } from 'commander';
import { CommandError } from './exit.js';
import { readNumber } from './options.js';
import type { Command } from 'commander';
import type { SimulateRequest } from './fleet/simulate-request.js';
import type { Dataplane } from '../intent/types.js';

/** Longest run of iperf3 (its -t), in seconds. */
const MAX_SECONDS = 86_400;

type TopologyName = 'tenants' | 'steering';
type SourceName = 'file' | 'etcd';

export interface UpRequest {
  dataplane: Dataplane;
  topology: TopologyName;
  source: SourceName;
}

export interface RunRequest extends UpRequest {
  json?: boolean;
  /** duration of the iperf3 runs */
  seconds: number;
}

/** Interface of the laboratory's bundle (lab/commands.ts, dist/lab), exported as `laboratory`. */
export interface Laboratory {
  /** @returns the command's exit code */
  run(request: RunRequest): Promise<number>;
  up(request: UpRequest): Promise<void>;
  down(): Promise<void>;
  /** @returns the command's exit code */
  simulate(request: SimulateRequest): Promise<number>;
}

/** The laboratory's bundle, beside dist/bin. */
const BUNDLE = new URL('../lab/commands.js', import.meta.url);

const DATAPLANE = new Option('--dataplane <mode>', 'data plane of the hypervisors')
  .choices(['kernel', 'hybrid', 'ebpf'] satisfies Dataplane[])
  .default('kernel' satisfies Dataplane);

const TOPOLOGY = new Option(
  '--topology <name>',
  'two tenants with the same addresses, or three with policies between them',
)
  .choices(['tenants', 'steering'] satisfies TopologyName[])
  .default('tenants' satisfies TopologyName);

const SOURCE = new Option('--source <name>', 'where the agents get the intent from: a file, or etcd by a feed')
  .choices(['file', 'etcd'] satisfies SourceName[])
  .default('file' satisfies SourceName);

/** `segue lab up|down|run`. The laboratory is not part of the agent: its bundle is loaded when a command runs. */
export function addLabCommand(program: Command): void {
  const lab = program.command('lab').description('build a demonstration network in network namespaces of this machine');

  lab
    .command('run')
    .description('build the network, test reachability, isolation and throughput, report, remove it')
    .option('-j, --json', 'print JSON')
    .option('--seconds <n>', 'duration of the iperf3 runs', '3')
    .addOption(TOPOLOGY)
    .addOption(DATAPLANE)
    .addOption(SOURCE)
    .action(async (flags: UpRequest & { json?: boolean; seconds: string }) => {
      const seconds = readNumber('--seconds', flags.seconds, 1, MAX_SECONDS, 'seconds');
      process.exitCode = await (await loadLaboratory()).run({ ...flags, seconds });
    });

  lab
    .command('up')
    .description('build the network and leave it in place')
    .addOption(TOPOLOGY)
    .addOption(DATAPLANE)
    .addOption(SOURCE)
    .action(async (flags: UpRequest) => (await loadLaboratory()).up(flags));

  lab
    .command('down')
    .description('remove the network, and what a killed run left behind')
    .action(async () => (await loadLaboratory()).down());
}

/** @throws CommandError if this package was built without it */
export async function loadLaboratory(): Promise<Laboratory> {
  if (!existsSync(BUNDLE)) {
    throw new CommandError('this package has no laboratory (dist/lab): use a checkout of segue');
  }
  return ((await import(BUNDLE.href)) as { laboratory: Laboratory }).laboratory;
}
