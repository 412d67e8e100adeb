import { CommandError, EXIT } from './exit.js';
import { printError, print, printJson } from './print.js';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Dataplane } from '../intent/types.js';

type TopologyName = 'tenants' | 'steering';

interface UpFlags {
  dataplane: Dataplane;
  topology: TopologyName;
}

interface RunFlags extends UpFlags {
  json?: boolean;
  seconds: string;
}

const DATAPLANE = new Option('--dataplane <mode>', 'what forwards on the hypervisors')
  .choices(['kernel', 'hybrid', 'ebpf'] satisfies Dataplane[])
  .default('kernel' satisfies Dataplane);

const TOPOLOGY = new Option(
  '--topology <name>',
  'two tenants with the same addresses, or three with policies between them',
)
  .choices(['tenants', 'steering'] satisfies TopologyName[])
  .default('tenants' satisfies TopologyName);

/** Exit code after Ctrl-C, as shells have it: 128 and SIGINT's number. */
const INTERRUPTED = 130;

/** `segue lab up|down|run`. What they need is loaded when they run: other commands start the faster. */
export function addLabCommand(program: Command): void {
  const lab = program.command('lab').description('a demonstration network in network namespaces of this machine');

  lab
    .command('run')
    .description('build it, test reachability, isolation and throughput, report, remove it')
    .option('-j, --json', 'JSON')
    .option('--seconds <n>', 'duration of the iperf3 runs', '3')
    .addOption(TOPOLOGY)
    .addOption(DATAPLANE)
    .action(async (flags: RunFlags) => {
      const seconds = Number(flags.seconds);
      if (!Number.isInteger(seconds) || seconds < 1) {
        throw new CommandError(`--seconds ${flags.seconds}: expected a whole number of at least 1`, EXIT.badInput);
      }
      if (await runsHere(flags.dataplane)) await (flags.topology === 'steering' ? runSteering : run)(flags, seconds);
      else process.exitCode = await runInTheVm(flags, seconds);
    });

  lab
    .command('up')
    .description('build it and leave it standing')
    .addOption(TOPOLOGY)
    .addOption(DATAPLANE)
    .action(async ({ dataplane, topology }: UpFlags) => {
      if (!(await runsHere(dataplane))) {
        const { VM_RUN } = await import('../lab/vm.js');
        throw new CommandError(
          `this kernel has no VRF, and what stands in a VM goes with it: open a shell there with\n` +
            `  ${VM_RUN} --shell\nand say segue lab up in it (${process.argv[1] ?? 'bin/segue'} lab up);\n` +
            'or let it stand here, with no VRF: segue lab up --dataplane ebpf',
        );
      }
      const { raiseLab } = await import('../lab/run.js');
      const { hints, steeringHints } = await import('../lab/hints.js');
      if (topology === 'steering') {
        const { steeringTopology } = await import('../lab/steering.js');
        const demo = steeringTopology(dataplane);
        await cleaningUp(() => raiseLab(demo, printError));
        for (const line of steeringHints(demo)) print(line);
        return;
      }
      const { demoTopology } = await import('../lab/demo.js');
      const demo = demoTopology(dataplane);
      await cleaningUp(() => raiseLab(demo, printError));
      for (const line of hints(demo)) print(line);
    });

  lab
    .command('down')
    .description('remove it, and what a killed run left')
    .action(async () => {
      const { labStands, removeLab } = await import('../lab/state.js');
      const stood = labStands();
      await removeLab();
      print(stood ? 'the laboratory is gone' : 'there was no laboratory');
    });
}

async function run({ dataplane, json }: RunFlags, seconds: number): Promise<void> {
  const { demoTopology } = await import('../lab/demo.js');
  const { runLab } = await import('../lab/run.js');
  const { reportJson, reportText, succeeded } = await import('../lab/report.js');
  const demo = demoTopology(dataplane);
  const report = await cleaningUp(() => runLab(demo, { seconds, onProgress: printError }));
  if (json) printJson(reportJson(report));
  else print(`\n${reportText(demo, report)}`);
  process.exitCode = succeeded(report) ? EXIT.ok : EXIT.failed;
}

async function runSteering({ dataplane, json }: RunFlags, seconds: number): Promise<void> {
  const { steeringTopology } = await import('../lab/steering.js');
  const { runSteering: runIt } = await import('../lab/steering-run.js');
  const { steeringJson, steeringSucceeded, steeringText } = await import('../lab/steering-report.js');
  const demo = steeringTopology(dataplane);
  const report = await cleaningUp(() => runIt(demo, { seconds, onProgress: printError }));
  if (json) printJson(steeringJson(report));
  else print(`\n${steeringText(demo, report)}`);
  process.exitCode = steeringSucceeded(report) ? EXIT.ok : EXIT.failed;
}

/** Boots the VM for the same command. */
async function runInTheVm({ dataplane, topology, json }: RunFlags, seconds: number): Promise<number> {
  const { canBootVm, runInVm, VM_RUN } = await import('../lab/vm.js');
  if (!canBootVm()) {
    throw new CommandError(
      `this kernel has no VRF (CONFIG_NET_VRF, modprobe vrf), and there is no ${VM_RUN} to boot one that has: ` +
        'that comes with a checkout of segue',
    );
  }
  printError('this kernel has no VRF: booting the VM, and running there');
  const { SEGUE_COMMAND } = await import('../lab/agents.js');
  const flags = [
    '--topology',
    topology,
    '--dataplane',
    dataplane,
    '--seconds',
    String(seconds),
    ...(json ? ['-j'] : []),
  ];
  return runInVm([process.execPath, SEGUE_COMMAND, 'lab', 'run', ...flags]);
}

/** Whether this kernel, and this user, can: `ebpf` needs no VRF. @throws CommandError when the kernel could but the user may not */
async function runsHere(dataplane: Dataplane): Promise<boolean> {
  if (process.getuid?.() !== 0) {
    throw new CommandError('segue lab makes network namespaces: run it as root');
  }
  if (dataplane === 'ebpf') return true;
  const { hasVrf } = await import('../lab/kernel.js');
  const { DEMO_PREFIX } = await import('../lab/demo.js');
  return hasVrf(DEMO_PREFIX);
}

/** Runs something that builds the demonstration; a signal meanwhile removes it before the process ends. */
async function cleaningUp<T>(build: () => Promise<T>): Promise<T> {
  const { removeLab } = await import('../lab/state.js');
  let ending = false;
  const onSignal = (): void => {
    if (ending) return;
    ending = true;
    printError('interrupted: removing the laboratory');
    void removeLab().finally(() => process.exit(INTERRUPTED));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await build();
  } catch (error) {
    // What failed because its ground was being removed has nothing to say.
    if (ending) return await new Promise<never>(() => undefined);
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
