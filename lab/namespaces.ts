import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteNetns, listNetns, netnsPath } from 'netlink-ts';

/** How long a process may take to end by itself before it is killed, milliseconds. */
const TERM_GRACE_MS = 500;
const POLL_MS = 20;

/** Names of a laboratory's namespaces: those that begin with its prefix and a dash. */
export function namespacesOf(prefix: string): string[] {
  return listNetns().filter((name) => name.startsWith(`${prefix}-`));
}

/** Removes a laboratory's namespaces, and the processes in them, whoever left them there. */
export async function removeNamespaces(prefix: string): Promise<void> {
  const names = namespacesOf(prefix);
  if (names.length === 0) return;
  await endProcesses(() => processesIn(names));
  for (const name of names) deleteNetns(name);
}

/** Ends processes: asks, waits a little, then kills. */
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

/** Processes whose network namespace is one of these; this process is never among them. */
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
