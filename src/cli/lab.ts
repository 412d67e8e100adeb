import { CommandError, EXIT } from './exit.js';
import { complain, print, printJson } from './print.js';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Dataplane } from '../intent/types.js';
import type { Demo } from '../lab/demo.js';

interface UpFlags {
  dataplane: Dataplane;
}

interface RunFlags extends UpFlags {
  json?: boolean;
  seconds: string;
}

const DATAPLANE = new Option('--dataplane <mode>', 'what forwards on the hypervisors')
  .choices(['kernel', 'hybrid', 'ebpf'] satisfies Dataplane[])
  .default('kernel' satisfies Dataplane);

/** Exit code after Ctrl-C, as shells have it: 128 and SIGINT's number. */
const INTERRUPTED = 130;

/** `segue lab up|down|run`. What they need is loaded when they run: other commands start the faster. */
export function addLabCommand(program: Command): void {
  const lab = program.command('lab').description('the demonstration network, in network namespaces of this machine');

  lab
    .command('run')
    .description('build it, try reachability, isolation and throughput, report, remove it')
    .option('-j, --json', 'JSON')
    .option('--seconds <n>', 'how long iperf3 measures', '3')
    .addOption(DATAPLANE)
    .action(async (flags: RunFlags) => {
      const seconds = Number(flags.seconds);
      if (!Number.isInteger(seconds) || seconds < 1) {
        throw new CommandError(`--seconds ${flags.seconds}: expected a whole number of at least 1`, EXIT.badInput);
      }
      if (await runsHere(flags.dataplane)) await run(flags, seconds);
      else process.exitCode = await runInTheVm(flags, seconds);
    });

  lab
    .command('up')
    .description('build it and leave it standing')
    .addOption(DATAPLANE)
    .action(async ({ dataplane }: UpFlags) => {
      if (!(await runsHere(dataplane))) {
        const { VM_RUN } = await import('../lab/vm.js');
        throw new CommandError(
          `this kernel has no VRF, and what stands in a VM goes with it: open a shell there with\n` +
            `  ${VM_RUN} --shell\nand say segue lab up in it (${process.argv[1] ?? 'bin/segue'} lab up);\n` +
            'or let it stand here, with no VRF: segue lab up --dataplane ebpf',
        );
      }
      const { demoTopology } = await import('../lab/demo.js');
      const { raiseLab } = await import('../lab/run.js');
      const demo = demoTopology(dataplane);
      await cleaningUp(() => raiseLab(demo, complain));
      for (const line of await hints(demo)) print(line);
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
  const report = await cleaningUp(() => runLab(demo, { seconds, onProgress: complain }));
  if (json) printJson(reportJson(report));
  else print(`\n${reportText(demo, report)}`);
  process.exitCode = succeeded(report) ? EXIT.ok : EXIT.failed;
}

/** Boots the VM for the same command. */
async function runInTheVm({ dataplane, json }: RunFlags, seconds: number): Promise<number> {
  const { canBootVm, runInVm, VM_RUN } = await import('../lab/vm.js');
  if (!canBootVm()) {
    throw new CommandError(
      `this kernel has no VRF (CONFIG_NET_VRF, modprobe vrf), and there is no ${VM_RUN} to boot one that has: ` +
        'that comes with a checkout of segue',
    );
  }
  complain('this kernel has no VRF: booting the VM, and running there');
  const { SEGUE_COMMAND } = await import('../lab/agents.js');
  const flags = ['--dataplane', dataplane, '--seconds', String(seconds), ...(json ? ['-j'] : [])];
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
    complain('interrupted: removing the laboratory');
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

/** What to try in the standing laboratory. */
async function hints(demo: Demo): Promise<string[]> {
  const { DEMO_DIRECTORY } = await import('../lab/demo.js');
  const { netnsOf, ROUTER } = await import('../lab/topology.js');
  const netns = (name: string): string => netnsOf(demo, name);
  const node = `-c ${DEMO_DIRECTORY}/hv1.yaml`;
  return [
    'The laboratory stands: tenants red (100) and blue (200) with the same addresses, on hypervisors hv1 and hv2.',
    '',
    `  ip netns exec ${netns('red-a')} ping 10.0.0.20             red-b answers, on the other hypervisor`,
    `  ip netns exec ${netns('blue-a')} ping 10.0.0.20            the same address: blue-b answers`,
    `  ip netns exec ${netns('blue-a')} ping 10.0.0.102           only red-b has it: no answer`,
    `  ip netns exec ${netns(ROUTER)} tcpdump -ni hv1         what crosses the underlay`,
    `  segue show vrf ${node}       segue show route ${node}`,
    `  segue diff ${node}           nothing to do; then remove something with ip, and see the agent repair it`,
    `  ${DEMO_DIRECTORY}/                              the files: change intent.yaml, and the agents follow`,
    '',
    '  segue lab down',
  ];
}
