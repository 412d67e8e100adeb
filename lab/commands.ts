/** Implements `segue lab`; the command (src/cli/lab.ts) loads this bundle when it runs. */
import { EXIT } from '../src/cli/exit.js';
import { print, printError, printJson } from '../src/cli/print.js';
import { requireCapabilities } from '../src/cli/privilege.js';
import { DEMO_PREFIX, demoTopology } from './demo.js';
import { simulate } from './fleet/simulate.js';
import { hints, steeringHints } from './hints.js';
import { hasVrf } from './kernel.js';
import { SEGUE_COMMAND, VM_RUN } from './paths.js';
import { reportJson, reportText, succeeded } from './report.js';
import { raiseLab, runLab } from './run.js';
import { labStands, removeLab } from './state.js';
import { steeringJson, steeringSucceeded, steeringText } from './steering-report.js';
import { runSteering } from './steering-run.js';
import { steeringTopology } from './steering.js';
import { canBootVm, runInVm } from './vm.js';
import type { Laboratory, RunRequest, UpRequest } from '../src/cli/lab.js';
import type { Dataplane } from '../src/intent/types.js';

/** Exit code after Ctrl-C, as in shells: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/** Builds a demonstration, runs the checks, reports, and removes it; in a VM if this kernel lacks VRFs. */
async function run(request: RunRequest): Promise<number> {
  if (!(await runsHere(request.dataplane))) return runInTheVm(request);
  return request.topology === 'steering' ? runSteeringDemo(request) : runTenantsDemo(request);
}

/** Builds a demonstration and leaves it running. */
async function up({ dataplane, topology, source }: UpRequest): Promise<void> {
  if (!(await runsHere(dataplane))) {
    throw new Error(
      `this kernel has no VRF, and a laboratory in a VM ends with the VM: open a shell there with\n` +
        `  ${VM_RUN} --shell\nand run segue lab up in it (${process.argv[1] ?? 'bin/segue'} lab up);\n` +
        'or run it here without VRF: segue lab up --dataplane ebpf',
    );
  }
  if (topology === 'steering') {
    const demo = steeringTopology(dataplane);
    await cleaningUp(() => raiseLab(demo, { source, onProgress: printError }));
    for (const line of steeringHints(demo, source)) print(line);
    return;
  }
  const demo = demoTopology(dataplane);
  await cleaningUp(() => raiseLab(demo, { source, onProgress: printError }));
  for (const line of hints(demo, source)) print(line);
}

/** Removes a demonstration, including the remains of a killed run. */
async function down(): Promise<void> {
  requireCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
  const stood = labStands();
  await removeLab();
  print(stood ? 'the laboratory is removed' : 'there was no laboratory');
}

export const laboratory: Laboratory = { run, up, down, simulate };

async function runTenantsDemo({ dataplane, source, json, seconds }: RunRequest): Promise<number> {
  const demo = demoTopology(dataplane);
  const report = await cleaningUp(() => runLab(demo, { seconds, source, onProgress: printError }));
  if (json) printJson(reportJson(report));
  else print(`\n${reportText(demo, report)}`);
  return succeeded(report) ? EXIT.ok : EXIT.failed;
}

async function runSteeringDemo({ dataplane, source, json, seconds }: RunRequest): Promise<number> {
  const demo = steeringTopology(dataplane);
  const report = await cleaningUp(() => runSteering(demo, { seconds, source, onProgress: printError }));
  if (json) printJson(steeringJson(report));
  else print(`\n${steeringText(demo, report)}`);
  return steeringSucceeded(report) ? EXIT.ok : EXIT.failed;
}

/** Boots a VM that runs the same command. */
async function runInTheVm({ dataplane, topology, source, json, seconds }: RunRequest): Promise<number> {
  if (!canBootVm()) {
    throw new Error(
      `this kernel has no VRF (CONFIG_NET_VRF, modprobe vrf), and ${VM_RUN}, which boots one that has, is missing: ` +
        'it is part of a checkout of segue',
    );
  }
  printError('this kernel has no VRF: booting the VM and running in it');
  const flags = ['--topology', topology, '--dataplane', dataplane, '--source', source, '--seconds', String(seconds)];
  return runInVm([process.execPath, SEGUE_COMMAND, 'lab', 'run', ...flags, ...(json ? ['-j'] : [])]);
}

/** Whether this kernel and this user can run it: `ebpf` needs no VRFs. @throws Error if the kernel could, but the user may not */
function runsHere(dataplane: Dataplane): boolean | Promise<boolean> {
  requireCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
  return dataplane === 'ebpf' || hasVrf(DEMO_PREFIX);
}

/** Runs a function that builds the demonstration; a signal meanwhile removes it before the process ends. */
async function cleaningUp<T>(build: () => Promise<T>): Promise<T> {
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
    // Errors caused by the removal are not reported.
    if (ending) return await new Promise<never>(() => undefined);
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
