/**
 * Random faults under 10,000 packets a second: packets are lost only while their own path is down, the agent survives
 * and uses no more memory and descriptors at the end than at the beginning, and purge leaves nothing. This run takes
 * two minutes; `make soak` takes thirty, and requires that packets return within two seconds of a fault's end.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queryTcx, queryXdp } from 'libbpf-ts';
import { randomOf } from '../../netns/lib/crash.js';
import { differencesOf, snapshot } from '../../netns/lib/snapshot.js';
import { ROUTER } from '../../../lab/topology.js';
import { useNetwork } from '../../netns/lib/network.js';
import { droppedByQueues } from '../../netns/lib/queues.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { FAULTS } from './faults.js';
import { NodeHost } from './node-host.js';
import { nowMs, Stream } from './stream.js';
import type { Snapshot } from '../../netns/lib/snapshot.js';
import type { Fault, Scene } from './faults.js';
import type { Held } from './node-host.js';
import type { Hole } from './stream.js';

const SECONDS = Number(process.env.SEGUE_SOAK_SECONDS ?? 120);
/** How soon packets must come again, milliseconds; a machine that others keep busy has no such limit. */
const BACK_MS = Number(process.env.SEGUE_SOAK_BACK_MS ?? Infinity);
const SEED = Number(process.env.SEGUE_SEED ?? Date.now() % 1_000_000_007);
/** A part of a fault's name: those alone, to look into one. */
const ONLY = process.env.SEGUE_SOAK_ONLY ?? '';
/** Of both directions together. */
const PACKETS_PER_SECOND = 10_000;
/** How long a test waits for what must come. */
const PATIENCE_MS = 60_000;
const SWEEP_SECONDS = 1;
/** What the garbage collector may leave lying. */
const MORE_BYTES = 16 << 20;
/** What watches and programs under way take at one moment and not at another; a descriptor lost to each fault would be more. */
const MORE_DESCRIPTORS = 8;
/** Faults until the agent has done all that it does once. */
const WARM_UP = 5;
/** Faults whose findings are taken together. */
const SAMPLES = 10;
const NODE = 'hv1';
const PORT = 't100-1';

interface Happened {
  fault: Fault;
  beganMs: number;
  endedMs: number;
  /** by the agent, once packets came again */
  held: Held;
}

const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), (made) =>
  made.apply('hv2').then(() => undefined),
);
let host: NodeHost;
let scene: Scene;
let untouched: Snapshot;

const CHOSEN = FAULTS.filter(({ name }) => name.includes(ONLY));

/** All faults, in another order each time. */
function* endless(random: () => number): Generator<Fault, never> {
  for (;;) {
    const left = [...CHOSEN];
    while (left.length > 0) yield* left.splice(Math.floor(random() * left.length), 1);
  }
}

/** Of interfaces and addresses only what does not come with the namespace that is made anew. */
const lasting = (objects: Snapshot): Snapshot =>
  objects.filter((object) => !/^(link|address) /.test(object) && !/fe80|ff00|multicast/.test(object));

/** Namespaces that the packets pass, but for the node's own, which is made anew. */
const WAY = ['t100-1', 't100-2', 'hv2', ROUTER];

beforeAll(async () => {
  network.files();
  untouched = lasting(await snapshot(network, NODE));
  host = await NodeHost.start(network, NODE);
  scene = { network, host, node: NODE, port: PORT, intent: readFileSync(host.intentFile, 'utf8') };
  await host.startAgent(SWEEP_SECONDS);
});

afterAll(async () => {
  if (process.env.SEGUE_SOAK_LOG !== undefined) writeFileSync(process.env.SEGUE_SOAK_LOG, await host.log());
  await host.stop();
});

it('random faults lose packets only while they last', { timeout: SECONDS * 1000 + 300_000 }, async () => {
  const directions = [
    { from: 't100-2', to: 't100-1', address: '10.0.0.1' },
    { from: 't100-1', to: 't100-2', address: 'cafe::2' },
  ];
  for (const { from, address } of directions) await network.ping(from, address);
  const stream = await Stream.start(network, directions, PACKETS_PER_SECOND / directions.length);
  await stream.flows(PATIENCE_MS);
  const random = randomOf(SEED);
  const happened: Happened[] = [];
  const first = host.held();
  const began = nowMs();
  const queues = await droppedByQueues(network, WAY);
  for (const fault of endless(random)) {
    const beganMs = nowMs();
    await fault.cause(scene, () => sleep(300 + random() * 1500));
    const endedMs = nowMs();
    await stream.flows(PATIENCE_MS).catch((error: unknown) => {
      throw new Error(`after "${fault.name}", seed ${SEED}: ${String(error)}`);
    });
    await sleep(500 + random() * 1500);
    happened.push({ fault, beganMs, endedMs, held: host.held() });
    if (nowMs() - began > SECONDS * 1000) break;
  }
  const dropped = (await droppedByQueues(network, WAY)) - queues;
  const { holes, sent, received, reordered } = await stream.stop();
  const story = tell(happened, holes);
  process.stdout.write(
    `seed ${SEED}: ${happened.length} faults, ${sent} packets sent, ${received} received, ${reordered} out of order; ` +
      `at first the agent holds ${textOf(first)}\n${story.lines.join('\n')}\n`,
  );
  // What was lost for no cause was lost to queues that were full.
  expect(story.unexplained).toBeLessThanOrEqual(dropped);
  expect(story.late).toEqual([]);
  expect(new Set(happened.map(({ fault }) => fault.name)).size).toBe(Math.min(CHOSEN.length, happened.length));
  // Of some faults each, as programs that it runs and garbage of the heap come and go.
  const warm = Math.min(WARM_UP, happened.length - 1);
  const [early, late] = [happened.slice(warm, warm + SAMPLES), happened.slice(-SAMPLES)].map((of) =>
    of.map(({ held }) => held),
  );
  const least = (of: readonly Held[] = [], key: 'descriptors' | 'bytes'): number =>
    Math.min(...of.map((one) => one[key]));
  process.stdout.write(
    `descriptors: ${JSON.stringify(early?.at(0)?.kinds)} then ${JSON.stringify(late?.at(-1)?.kinds)}\n`,
  );
  expect(least(late, 'descriptors')).toBeLessThan(least(early, 'descriptors') + MORE_DESCRIPTORS);
  expect(least(late, 'bytes')).toBeLessThan(Math.max(...(early ?? []).map(({ bytes }) => bytes)) + MORE_BYTES);
});

it('purge leaves nothing', async () => {
  writeFileSync(host.intentFile, scene.intent);
  await host.stopAgent();
  const { status, stderr } = await host.segue('purge', '-c', host.nodeFile);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(differencesOf(untouched, lasting(await snapshot(network, NODE)))).toEqual({ gone: [], come: [] });
  for (const name of ['eth0', ...network.topology.vms.filter(({ node }) => node === NODE).map((vm) => vm.name)]) {
    const where = { interface: name, netns: host.netns };
    for (const direction of ['ingress', 'egress'] as const) {
      expect(queryTcx({ ...where, direction }).programs, `${direction} of ${name}`).toEqual([]);
    }
    expect(queryXdp(where), `xdp of ${name}`).toBe(0);
  }
  // The folders of all nodes, and of who holds which namespace, stay.
  expect(await host.shell(`find /run/segue /var/lib/segue /sys/fs/bpf -name '*${host.netns}*'`)).toBe('');
});

const textOf = ({ bytes, descriptors }: Held): string =>
  `${Math.round(bytes / 2 ** 20)} MB, ${descriptors} descriptors`;

/** Each fault with what was lost to it; what was lost to none; and whose packets came again too late. */
function tell(
  happened: readonly Happened[],
  holes: readonly Hole[],
): { lines: string[]; late: string[]; unexplained: number } {
  const late: string[] = [];
  let explained = 0;
  const lines = happened.map(({ fault, beganMs, endedMs, held }, index) => {
    const next = happened[index + 1]?.beganMs ?? Infinity;
    const own = holes.filter(({ untilMs }) => untilMs >= beganMs && untilMs < next);
    const lost = own.reduce((total, { packets }) => total + packets, 0);
    const backMs = Math.max(0, ...own.map(({ untilMs }) => untilMs - endedMs));
    if (fault.cutsPath) {
      explained += lost;
      if (backMs > BACK_MS) late.push(`${fault.name}: ${backMs.toFixed(0)} ms`);
    }
    const seconds = ((endedMs - beganMs) / 1000).toFixed(1).padStart(5);
    const after = fault.cutsPath ? `, all come ${backMs.toFixed(0)} ms after its end` : '';
    return `  ${seconds} s  ${fault.name}: ${lost} lost${after}; ${textOf(held)}`;
  });
  const unexplained = holes.reduce((total, { packets }) => total + packets, 0) - explained;
  return { lines, late, unexplained };
}
