/** Who holds the demonstration: a file in its directory, so that two do not tear down each other's namespaces. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcesses, namespacesOf, removeNamespaces } from './namespaces.js';
import { findAgents } from './agents.js';
import { DEMO_DIRECTORY, DEMO_PREFIX } from './demo.js';
import { nodeDirectories, pinDirectory } from '../src/agent/instance.js';

interface LabState {
  mode: 'run' | 'up';
  pid: number;
}

/** The demonstration is somebody else's at the moment. */
class LabBusyError extends Error {
  readonly code = 'LAB_BUSY';

  constructor(message: string) {
    super(message);
    this.name = 'LabBusyError';
  }
}

const FILE = join(DEMO_DIRECTORY, 'state.json');

/**
 * Takes the demonstration for this process; what a killed one left behind is removed.
 *
 * @throws LabBusyError when a living process has it, or `run` finds it standing
 */
export async function takeLab(mode: LabState['mode']): Promise<void> {
  const state = readState();
  if (state !== undefined && state.pid !== process.pid && isLab(state.pid)) {
    throw new LabBusyError(`process ${state.pid} is at work on the laboratory (segue lab ${state.mode})`);
  }
  if (mode === 'run' && state?.mode === 'up' && namespacesOf(DEMO_PREFIX).length > 0) {
    throw new LabBusyError('the laboratory is standing (segue lab up); segue lab down removes it');
  }
  await removeLab();
  mkdirSync(DEMO_DIRECTORY, { recursive: true });
  writeFileSync(FILE, JSON.stringify({ mode, pid: process.pid } satisfies LabState));
}

/** Removes all of the demonstration, whoever left it: agents, namespaces with what runs in them, files. */
export async function removeLab(): Promise<void> {
  await endProcesses(() => findAgents(DEMO_DIRECTORY));
  const names = namespacesOf(DEMO_PREFIX);
  await removeNamespaces(DEMO_PREFIX);
  for (const name of names) {
    for (const path of [...nodeDirectories(name), pinDirectory(name)]) rmSync(path, { recursive: true, force: true });
  }
  rmSync(DEMO_DIRECTORY, { recursive: true, force: true });
}

/** Whether there is anything of it. */
export function labStands(): boolean {
  return namespacesOf(DEMO_PREFIX).length > 0;
}

function readState(): LabState | undefined {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as LabState;
  } catch {
    return undefined;
  }
}

/** A process id may have been given to another program since. */
function isLab(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('lab');
  } catch {
    return false;
  }
}
