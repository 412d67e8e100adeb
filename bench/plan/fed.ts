/**
 * What one change that a feed tells costs a node, by the size of its part: taken, checked and planned. Arguments: intent file. Prints JSON, milliseconds.
 */
import { plannerOf } from '../../src/app/planning.js';
import { loadIntent, relevantTo } from '../../src/app/intent.js';
import { intentChangesOf, partOfIntent } from '../../src/fleet/node/part.js';
import { PartChecks } from '../../src/fleet/node/part-checks.js';
import { PartVersion } from '../../src/fleet/node/part-version.js';
import { isMain } from '../lib/is-main.js';
import { SELF } from '../lib/workload.js';
import type { NodeConfig, Port } from '../../src/intent/types.js';
import type { StoredChange } from '../../src/fleet/types.js';

export interface FedFigures {
  /** Median of a port elsewhere that moves to another node: all of it, and without the plan. */
  changeMs: number;
  takenMs: number;
  /** The same where somebody looks at the whole intent after it, as each change did before there were versions. */
  wholeMs: number;
}

const CHANGES = 101;
const UPLINK_MTU_BYTES = 1500;

export function measureFed(file: string): FedFigures {
  const config: NodeConfig = {
    ...{ node: SELF, uplinks: ['eth0'], dataplane: 'ebpf', xdp: 'never', behaviours: ['dt46'], intent: file },
  };
  const intent = relevantTo(loadIntent(file), SELF);
  const checks = new PartChecks(config, 'node.yaml');
  let version = PartVersion.of(partOfIntent(intent));
  checks.check(version, undefined);
  const planner = plannerOf(config, { uplinkMtu: UPLINK_MTU_BYTES, fastpath: { xdp: [] } }, intent);
  const ports = intent.ports.filter(({ node }) => node !== SELF);
  const nodes = intent.nodes.map(({ name }) => name).filter((name) => name !== SELF);
  const times = { changeMs: [] as number[], takenMs: [] as number[], wholeMs: [] as number[] };
  for (let n = 0; n < CHANGES; n++) {
    const port = ports[Math.floor((n * ports.length) / CHANGES)];
    if (port === undefined) throw new Error('no ports elsewhere');
    const key = `port/${port.tenant}/${port.name}`;
    const before = version.values.get(key) as Port;
    const after = { ...before, node: nodes.find((name) => name !== before.node) ?? before.node };
    const changes: StoredChange[] = [{ key, before, after }];
    const started = performance.now();
    version = version.next(changes);
    const given = version.intent;
    checks.check(version, [key]);
    const taken = performance.now();
    planner.apply(intentChangesOf(changes));
    const planned = performance.now();
    // A look at any of its fields makes all of them.
    if (given.ports.length === 0) throw new Error('no ports');
    times.changeMs.push(planned - started);
    times.takenMs.push(taken - started);
    times.wholeMs.push(performance.now() - started);
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return { changeMs: median(times.changeMs), takenMs: median(times.takenMs), wholeMs: median(times.wholeMs) };
}

if (isMain(import.meta.url)) process.stdout.write(`${JSON.stringify(measureFed(process.argv[2] ?? ''))}\n`);
