/**
 * One agent that follows ports which move between other nodes: from the source's change to the entry in the map. Prints JSON. Arguments:
 * namespace, pins, intent file, moves that are timed, moves that are checked.
 */
import { performance } from 'node:perf_hooks';
import { Agent } from '../../src/agent/agent.js';
import { createLogger } from '../../src/agent/log.js';
import { Encap, EndpointKey, Endpoint, EndpointType } from '../../src/ebpf/generated/layouts.js';
import { openMaps } from '../../src/ebpf/maps.js';
import { GENERATION } from '../../src/ebpf/generation.js';
import { formatIPv4, formatIPv6 } from 'netlink-ts/inet';
import { tenantSid } from '../../src/encap/sid.js';
import { loadIntent } from '../../src/app/intent.js';
import { isMain } from '../lib/is-main.js';
import { SELF } from '../lib/workload.js';
import { MovingSource } from '../control/moving-source.js';
import { ENTRY_RESOURCES, nodeConfig } from './node.js';
import type { Move } from '../control/moving-source.js';
import type { Intent } from '../../src/intent/types.js';

/** Moves before the first that is timed, for the compiler's sake. */
const WARM_UP = 300;
const SWEEP_SECONDS = 86_400;

export interface EntryMoveResult {
  /** Microseconds, in order. */
  latencies: number[];
  checked: number;
  /** What was not as it had to be after a move that was checked. */
  wrong: string[];
}

export async function move(
  netns: string,
  pins: string,
  file: string,
  timed: number,
  checked: number,
): Promise<EntryMoveResult> {
  const source = new MovingSource(file);
  const agent = new Agent({
    config: nodeConfig(netns, file),
    configFile: file,
    log: createLogger({ level: 'info', node: SELF }),
    sweepSeconds: SWEEP_SECONDS,
    force: false,
    source,
    resources: ENTRY_RESOURCES,
    pinDirectory: pins,
  });
  await agent.start();
  await agent.idle();
  for (let i = 0; i < WARM_UP; i++) await moveOne(agent, source);
  const latencies: number[] = [];
  for (let i = 0; i < timed; i++) latencies.push(await moveOne(agent, source));
  const wrong: string[] = [];
  const intent = loadIntent(file);
  for (let i = 0; i < checked; i++) wrong.push(...(await checkOne(agent, source, intent, pins)));
  await agent.stop();
  return { latencies, checked, wrong };
}

async function moveOne(agent: Agent, source: MovingSource): Promise<number> {
  const { event } = source.next();
  const started = performance.now();
  source.emit(event);
  await agent.idle();
  const taken = (performance.now() - started) * 1000;
  await new Promise((resolve) => setImmediate(resolve));
  return taken;
}

/** Moves a port: of all members that one alone changes, and leads to its new node. */
async function checkOne(agent: Agent, source: MovingSource, intent: Intent, pins: string): Promise<string[]> {
  const before = members(pins);
  const next = source.next();
  source.emit(next.event);
  await agent.idle();
  const after = members(pins);
  const changed = [...after].filter(([key, to]) => before.get(key) !== to).map(([key, to]) => `${key} to ${to}`);
  const expected = expectedChange(next, intent);
  return after.size === before.size && changed.length === 1 && changed[0] === expected
    ? []
    : [`${next.after.name}: ${changed.join(', ')}; ${after.size - before.size} more: expected ${expected}`];
}

function expectedChange({ after }: Move, { nodes, tenants }: Intent): string {
  const id = tenants.find(({ name }) => name === after.tenant)?.id ?? 0;
  const locator = nodes.find(({ name }) => name === after.node)?.locator ?? '';
  return `${id} ${after.addresses[0]} to ${tenantSid(locator, 'End.DT46', id)}`;
}

/** Where each member is, by tenant and address: the encapsulation's destination, or a port of this node. */
function members(pins: string): Map<string, string> {
  const maps = openMaps(`${pins}/maps_${GENERATION}`);
  const encaps = new Map<number, string>();
  for (const [key, value] of maps.sg_encaps?.entries() ?? []) {
    encaps.set(key.readUInt32LE(), formatIPv6(value, Encap.OFFSETS.first));
  }
  const found = new Map<string, string>();
  for (const { count, keys, values } of maps.sg_endpoints?.readBatches() ?? []) {
    for (let index = 0; index < count; index++) {
      const at = index * EndpointKey.SIZE;
      const tenant = keys.readUInt32LE(at + EndpointKey.OFFSETS.tenant);
      const id = values.readUInt32LE(index * Endpoint.SIZE + Endpoint.OFFSETS.id);
      const isLocal = values.readUInt32LE(index * Endpoint.SIZE + Endpoint.OFFSETS.type) === EndpointType.EP_LOCAL;
      const to = isLocal ? `ifindex ${id}` : (encaps.get(id) ?? `id ${id}`);
      found.set(`${tenant} ${formatIPv4(keys, at + EndpointKey.OFFSETS.address)}`, to);
    }
  }
  for (const map of Object.values(maps)) map.close();
  return found;
}

if (isMain(import.meta.url)) {
  const [netns = '', pins = '', file = '', timed = '0', checked = '0'] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await move(netns, pins, file, Number(timed), Number(checked))) + '\n');
}
