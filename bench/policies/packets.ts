/**
 * What a network node's program costs a packet, over the maps that the agent filled: the sizes take turns. As many flows each time: between
 * the few pairs that the smallest number of policies has, whatever else is in the maps, and between all pairs, when tables, sets and
 * connections are as cold as traffic of so many tenants leaves them. Prints rows as JSON. Arguments: Places as JSON, rounds, factor on
 * repetitions.
 */
import { fileURLToPath } from 'node:url';
import { Node } from '../../src/ebpf/generated/layouts.js';
import { rodataOf } from '../../src/ebpf/programs.js';
import { reusing } from '../../src/ebpf/maps.js';
import { Instance } from '../../src/agent/instance.js';
import { BpfObject, TestRun } from 'libbpf-ts';
import { isMain } from '../lib/is-main.js';
import { randomFrom } from '../lib/workload.js';
import { FRAME_COUNT, steerFrame, writeFrames } from '../micro/steer-frames.js';
import { row, times } from '../micro/rows.js';
import { encode, u32 } from '../lib/map-filler.js';
import { HOSTS, NODE_LOCATOR, OPEN_PORTS_FROM, pairsOf } from './intent.js';
import { addressText } from './numbers.js';
import { tenantSid } from '../../src/encap/sid.js';
import { nodeConfig } from './node.js';
import type { Effort, Row } from '../micro/rows.js';
import type { Flow } from '../micro/steer-frames.js';
import type { Place } from './node.js';

const XDP_REDIRECT = 4;
const REPEAT = 400_000;
/** New connections before the first that is measured: more than the table holds (CONNECTIONS, src/gateway/connection-table.ts). */
const FILLING = 2_500_000;
const SEED = 3;
const LO_INDEX = 1;

/** Flows, each between two addresses of some pair of tenants, to a port that its last policy allows. @param policies that the pairs have */
function flowsOf(policies: number): Flow[] {
  const random = randomFrom(SEED);
  const below = (count: number): number => Math.floor(random() * count);
  const pairs = pairsOf(policies);
  return Array.from({ length: FRAME_COUNT }, () => {
    const { from, to } = pairs[below(pairs.length)] ?? { from: 1, to: 2 };
    const host = (tenant: number): string => addressText(tenant, 4, HOSTS[below(HOSTS.length)] ?? 2);
    const port = (): number => OPEN_PORTS_FROM + below(65_536 - OPEN_PORTS_FROM);
    return {
      ...{ from: host(from), to: host(to), sourcePort: port(), destinationPort: port() },
      ...{
        outerSource: 'fd00:5e:1::1',
        sid: (direction) => tenantSid(`${NODE_LOCATOR}/48`, 'End.DT46', direction === 'ask' ? from : to),
      },
    };
  });
}

/** One node's maps with the traffic that meets them. */
interface Subject {
  name: string;
  object: BpfObject;
  flows: Flow[];
}

/** The program over a node's maps. @returns that, and what is closed after it */
function open(place: Place): { object: BpfObject; instance: Instance } {
  const instance = new Instance(nodeConfig(place), undefined, place.pins);
  const { fastpath } = instance.kernel;
  if (fastpath.maps === undefined) throw new Error(`${place.pins}: no maps, expected those of ${place.node}`);
  const file = fileURLToPath(new URL('../../bpf/bench/nn_uplink_xdp.o', import.meta.url));
  const maps = { ...reusing(fastpath.maps), ...fastpath.steering.reuse() };
  const object = BpfObject.open(file);
  // The frames come from no node of the intent.
  object.setRodata(rodataOf('nn_uplink_xdp', { anySource: true }));
  for (const [name, map] of Object.entries(maps)) if (object.mapNames.includes(name)) object.configureMap(name, map);
  object.load();
  takeFramesFromLo(object);
  return { object, instance };
}

/** A test run's frames come in by lo: as if that were the node's last uplink. */
function takeFramesFromLo(object: BpfObject): void {
  const [key, nodes] = [u32(0), object.map('sg_node')];
  const node = Node.decode(nodes.lookup(key) ?? Buffer.alloc(Node.SIZE), 0);
  const lo = { ifindex: LO_INDEX, mac: Buffer.alloc(6), unused: 0 };
  nodes.update(key, encode(Node, { ...node, uplinks: [...node.uplinks.slice(0, -1), lo] }));
}

/** Three kinds of packets, in the order in which they are measured: established connections are those of the frames. */
const KINDS = [
  { name: 'established', direction: 'ask', program: 'one_flow' },
  { name: 'their answers', direction: 'answer', program: 'one_flow' },
  { name: 'new connections', direction: 'ask', program: 'new_flows' },
] as const;

export function measurePolicies(places: readonly Place[], effort: Effort): Row[] {
  const opened = places.map((place) => ({ place, ...open(place) }));
  const fewest = Math.min(...places.map(({ policies }) => policies));
  const few = pairsOf(fewest).length;
  const subjects = opened.flatMap(({ place: { policies }, object }): Subject[] => [
    { name: `${policies} policies, ${few} pairs talk`, object, flows: flowsOf(fewest) },
    ...(policies === fewest
      ? []
      : [{ name: `${policies} policies, ${pairsOf(policies).length} pairs talk`, object, flows: flowsOf(policies) }]),
  ]);
  const costs = subjects.map(() => KINDS.map((): number[] => []));
  const repeat = times(REPEAT, effort);
  const run = ({ object, name }: Subject, program: string, count: number): number => {
    const result = new TestRun(object.program(program), { data: steerFrame(), repeat: count }).run();
    // Beyond what its pair may have half-open, a new connection that finds none of those to replace is refused.
    if (result.verdict !== XDP_REDIRECT && program !== 'new_flows') {
      throw new Error(`${program}, ${name}: verdict ${result.verdict}, expected ${XDP_REDIRECT}`);
    }
    return result.duration;
  };
  try {
    for (const subject of subjects) {
      writeFrames(subject.object, subject.flows, 'ask');
      run(subject, 'new_flows', times(FILLING, effort));
    }
    for (let round = -1; round < effort.rounds; round++) {
      for (const [kind, { direction, program }] of KINDS.entries()) {
        for (const [index, subject] of subjects.entries()) {
          // What new connections pushed out opens again.
          writeFrames(subject.object, subject.flows, 'ask');
          run(subject, 'one_flow', FRAME_COUNT);
          writeFrames(subject.object, subject.flows, direction);
          const base = run(subject, 'renew_only', repeat);
          const cost = run(subject, program, repeat) - base;
          if (round >= 0) costs[index]?.[kind]?.push(cost);
        }
      }
    }
    return KINDS.flatMap(({ name }, kind) =>
      subjects.map((subject, index) => row(`${name}, ${subject.name}`, 'ns/packet', costs[index]?.[kind] ?? [])),
    );
  } finally {
    for (const { object, instance } of opened) {
      object.close();
      instance.close();
    }
  }
}

if (isMain(import.meta.url)) {
  const [argument = '[]', rounds = '1', scale = '1'] = process.argv.slice(2);
  const effort = { rounds: Number(rounds), scale: Number(scale) };
  process.stdout.write(JSON.stringify({ rows: measurePolicies(JSON.parse(argument) as Place[], effort) }) + '\n');
}
