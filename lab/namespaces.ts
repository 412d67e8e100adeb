import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteNetns, listNetns, netnsPath } from 'netlink-ts';

/** Time for a process to end before it is killed, in milliseconds. */
const TERM_GRACE_MS = 500;
const POLL_MS = 20;

/** Names of a laboratory's namespaces: its prefix followed by a dash. */
export function namespacesOf(prefix: string): string[] {
  return listNetns().filter((name) => name.startsWith(`${prefix}-`));
}

/** Removes a laboratory's namespaces with the processes in them, whoever created them. */
export async function removeNamespaces(prefix: string): Promise<void> {
  const names = namespacesOf(prefix);
  if (names.length === 0) return;
  await endProcesses(() => processesIn(names));
  for (const name of names) deleteNetns(name);
}

/** Ends processes: SIGTERM, a short wait, then SIGKILL. */
export async function endProcesses(list: () => number[]): Promise<void> {
  signal(list(), 'SIGTERM');
  for (let waited = 0; waited < TERM_GRACE_MS && list().length > 0; waited += POLL_MS) await sleep(POLL_MS);
  signal(list(), 'SIGKILL');
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // gone by itself
    }
  }
}

/** Processes in one of these network namespaces, except this process. */
function processesIn(names: readonly string[]): number[] {
  const inodes = new Set(names.map(inodeOf));
  const pids: number[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      // net:[4026531840]
      if (inodes.has(Number(readlinkSync(`/proc/${pid}/ns/net`).slice(5, -1)))) pids.push(pid);
    } catch {
      // gone meanwhile
    }
  }
  return pids;
}

function inodeOf(name: string): number {
  return statSync(netnsPath(name)).ino;
}
