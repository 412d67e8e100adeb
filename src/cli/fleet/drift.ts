/** `fleet drift`: a daily report of all problems of nodes. */
import { ageText } from '../../fleet/status/read-fleet.js';
import { EXIT } from '../exit.js';
import { print, printJson } from '../print.js';
import { fleetOf } from './status.js';
import type { FleetNode } from '../../fleet/status/read-fleet.js';
import type { FleetOptions } from '../intent/store.js';

/** Nodes that a finding lists; more are only counted. */
const MAX_NAMED = 5;
const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

interface Finding {
  what: string;
  nodes: string[];
}

export async function runDrift(options: FleetOptions): Promise<void> {
  const { head, nodes } = await fleetOf(options);
  const findings = findingsOf(nodes);
  if (findings.length > 0) process.exitCode = EXIT.drift;
  const reporting = nodes.filter(({ state }) => state !== 'silent' && state !== 'stale').length;
  if (options.json) return printJson({ sequence: head.sequence, nodes: nodes.length, reporting, findings });
  print(`sequence ${head.sequence}; ${reporting} of ${nodes.length} nodes report`);
  for (const { what, nodes: names } of findings) {
    const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
    print(`${String(names.length).padStart(6)}  ${what}: ${names.slice(0, MAX_NAMED).join(', ')}${more}`);
  }
  if (findings.length === 0) print('no drift, nothing waiting, nothing failing');
}

/** Merges equal findings of several nodes; those with most nodes come first. */
function findingsOf(nodes: readonly FleetNode[]): Finding[] {
  const found = new Map<string, string[]>();
  for (const node of nodes) {
    for (const what of faultsOf(node)) {
      const names = found.get(what) ?? [];
      names.push(node.name);
      found.set(what, names);
    }
  }
  return [...found].map(([what, names]) => ({ what, nodes: names })).sort((a, b) => b.nodes.length - a.nodes.length);
}

function faultsOf({ state, behind = 0, differs, status, seenMs }: FleetNode): string[] {
  const faults: string[] = [];
  if (state === 'silent') return ['no report within a day'];
  if (status === undefined || seenMs === undefined) return faults;
  if (state === 'stale') faults.push('stale: the node does not report, or its feed has lost etcd');
  if (status.refused !== null) faults.push(`refuses the intent: ${status.refused}`);
  if (differs === true) faults.push("its part of the intent differs from its feed's");
  if (status.held) faults.push('the removal guard holds the intent');
  if (behind > 0) faults.push('behind the intent');
  if (status.failing) faults.push('the last task failed');
  if (status.failures > 0) faults.push('objects fail');
  for (const { kind, action } of status.driftKinds) faults.push(`drift: ${kind} (${action})`);
  if (status.repairs > 0) faults.push('objects that somebody else changed, repaired since the agent started');
  if (status.waiting > 0) faults.push('objects wait for interfaces');
  for (const check of status.doctor?.checks ?? []) if (check.status === 'fail') faults.push(`doctor: ${check.name}`);
  const { certificateEndsMs } = status;
  if (certificateEndsMs !== null && certificateEndsMs < Date.now() + SOON_DAYS * DAY_MS)
    faults.push(`certificate ends within ${ageText(SOON_DAYS * DAY_MS)}`);
  return faults;
}
