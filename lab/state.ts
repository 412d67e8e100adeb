/** The owner of the demonstration: a file in its directory, which keeps two runs from removing each other's namespaces. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcesses, namespacesOf, removeNamespaces } from './namespaces.js';
import { findDaemons } from './agents.js';
import { DEMO_DIRECTORY, DEMO_PREFIX } from './demo.js';
import { nodeDirectories, pinDirectory } from '../src/agent/instance.js';

interface LabState {
  mode: 'run' | 'up';
  pid: number;
}

/** The demonstration belongs to another process. */
class LabBusyError extends Error {
  readonly code = 'LAB_BUSY';

  constructor(message: string) {
    super(message);
    this.name = 'LabBusyError';
  }
}

const FILE = join(DEMO_DIRECTORY, 'state.json');

/**
 * Takes ownership of the demonstration, and removes remains of a killed run.
 *
 * @throws LabBusyError if a living process owns it, or `run` finds it running
 */
export async function takeLab(mode: LabState['mode']): Promise<void> {
  const state = readState();
  if (state !== undefined && state.pid !== process.pid && isLab(state.pid)) {
    throw new LabBusyError(`process ${state.pid} is using the laboratory (segue lab ${state.mode})`);
  }
  if (mode === 'run' && state?.mode === 'up' && namespacesOf(DEMO_PREFIX).length > 0) {
    throw new LabBusyError('the laboratory is running (segue lab up); segue lab down removes it');
  }
  await removeLab();
  mkdirSync(DEMO_DIRECTORY, { recursive: true });
  writeFileSync(FILE, JSON.stringify({ mode, pid: process.pid } satisfies LabState));
}

/** Removes the demonstration, whoever built it: agents, its feed, namespaces with their processes, files. */
export async function removeLab(): Promise<void> {
  await endProcesses(() => findDaemons(DEMO_DIRECTORY));
  const names = namespacesOf(DEMO_PREFIX);
  await removeNamespaces(DEMO_PREFIX);
  for (const name of names) {
    for (const path of [...nodeDirectories(name), pinDirectory(name)]) rmSync(path, { recursive: true, force: true });
  }
  // The etcd of a killed feed may still be writing.
  rmSync(DEMO_DIRECTORY, { recursive: true, force: true, maxRetries: 10 });
}

/** Whether any part of it exists. */
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

/** Another program may have got the process id. */
function isLab(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('lab');
  } catch {
    return false;
  }
}
