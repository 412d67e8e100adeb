/**
 * Frames that arrive at a network node are counted once each, in whichever program they end: tcx counts what XDP
 * leaves, and on a node with VMs the hypervisor's programs count packets for other SIDs. SEGUE_SEED=n uses another
 * seed.
 */
import { expect, it, onTestFinished } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import { loadFileOver } from '../../../src/ebpf/load.js';
import { FUNCTIONS } from '../../../src/ebpf/programs.js';
import { isLibbpfError } from 'libbpf-ts';
import type { BpfMap, BpfProgram } from 'libbpf-ts';
import { mutate } from '../fastpath/broken.js';
import { bytesOf, encapsulated, ethernet, ip4, ip6, tcp, udp, IP } from '../fastpath/packets.js';
import { objectPath, u32 } from '../libbpf/harness.js';
import { corpusOf, nodeOf } from './cloud.js';
import { HYPERVISOR, MACS, ZONES } from './node.js';
import { randomOf, SEED } from './random.js';
import { encode } from './values.js';
import type { NetworkNode } from './node.js';

const FRAMES = 10_000;
const ETH = 14;
const XDP_PASS = 2;
const TCX_NEXT = -1;
const DT46 = 0x46;
/** Of this node as a hypervisor of the tenant red. */
const OWN_SID = 'fd00:5e:9:4600:65::';
/** Any device that no test has. */
const PORT = 600;

/** A program as an interface has it, and the verdict that hands a frame to the next. */
interface Stage {
  program: BpfProgram;
  goesOn: number;
}

type File = 'nn_uplink_tc' | 'uplink_xdp' | 'uplink_tc';

/** Loads programs beside a network node's, all over the same maps. */
class Beside {
  readonly #maps: Map<string, BpfMap>;
  readonly #isHypervisor: boolean;

  constructor({ object }: NetworkNode, isHypervisor: boolean) {
    const names = object.mapNames.filter((name) => !name.includes('.'));
    this.#maps = new Map(names.map((name) => [name, object.map(name)]));
    this.#isHypervisor = isHypervisor;
  }

  load(file: File): BpfProgram {
    const reused = Object.fromEntries([...this.#maps].map(([name, reuse]) => [name, { reuse }]));
    const rodata = file === 'nn_uplink_tc' ? { is_hypervisor: this.#isHypervisor } : {};
    const object = loadFileOver(objectPath(file), rodata, reused);
    onTestFinished(() => {
      object.close();
    });
    for (const name of object.mapNames) if (!name.includes('.')) this.#maps.set(name, object.map(name));
    return object.program(FUNCTIONS[file]);
  }

  map(name: string): BpfMap {
    const map = this.#maps.get(name);
    if (map === undefined) throw new Error(`no map ${name}`);
    return map;
  }
}

/** The uplink's programs, XDP before tcx, of a node that has VMs of the tenant red, too, or none. */
function uplinkOf(node: NetworkNode, isHypervisor: boolean): Stage[] {
  const beside = new Beside(node, isHypervisor);
  const stages = [
    { program: node.program, goesOn: XDP_PASS },
    { program: beside.load('nn_uplink_tc'), goesOn: TCX_NEXT },
  ];
  if (!isHypervisor) return stages;
  const xdp = beside.load('uplink_xdp');
  stages.push({ program: beside.load('uplink_tc'), goesOn: TCX_NEXT });
  node.map('sg_uplink_prog').update(u32(0), u32(xdp.fd));
  beside.map('sg_sids').update(bytesOf(OWN_SID), encode(layouts.Sid, { tenant: ZONES.red.id, behaviour: DT46 }));
  const { EP_LOCAL } = layouts.EndpointType;
  for (const address of ['10.0.0.7', 'cafe:a::7']) node.addMember('red', address, PORT, EP_LOCAL);
  return stages;
}

/** Frames for the node's VMs, and for nobody of it. */
function hypervisorFrames(): Buffer[] {
  const packets = ['10.0.0.7', '10.0.0.1', '10.0.0.99'].flatMap((to) => [
    ip4({ from: '10.0.0.2', to }),
    ip4({ from: '10.0.0.2', to, protocol: IP.tcp, payload: tcp({ flags: 0x10, size: 100 }) }),
    ip4({ from: '10.0.0.2', to, payload: udp({ size: 1400 }) }),
  ]);
  packets.push(ip6({ from: 'cafe:a::2', to: 'cafe:a::7' }));
  return packets.map((packet) =>
    ethernet(encapsulated(packet, [OWN_SID], HYPERVISOR), { to: MACS.uplink, from: MACS.router }),
  );
}

/** Sends each frame on until a program keeps it. @returns how many programs at which a frame ended; those of no frame are left out */
function sendAll(node: NetworkNode, stages: readonly Stage[], frames: readonly Buffer[]): number[] {
  const random = randomOf(SEED);
  const counts = (): number =>
    reasonCounts({ sg_verdicts: node.map('sg_verdicts') }).reduce((all, { packets }) => all + packets, 0);
  const ended = stages.map(() => 0);
  let before = counts();
  for (let run = 0; run < FRAMES; run++) {
    const frame = mutate(frames[random(frames.length)] ?? Buffer.alloc(ETH), random);
    let data: Buffer = frame;
    let at = 0;
    try {
      for (; at < stages.length; at++) {
        const stage = stages[at];
        if (stage === undefined) break;
        const result = stage.program.testRun({ data });
        data = Buffer.from(result.data);
        if (result.verdict !== stage.goesOn) break;
      }
    } catch (error) {
      // A test run takes no frame without its first header.
      if (!isLibbpfError(error, 'EINVAL')) throw error;
      before = counts();
      continue;
    }
    ended[Math.min(at, stages.length - 1)] = (ended[Math.min(at, stages.length - 1)] ?? 0) + 1;
    const after = counts();
    if (after !== before + 1)
      throw new Error(`run ${run}: counted ${after - before} times, ended at ${at}: ${frame.toString('hex')}`);
    before = after;
  }
  return ended;
}

it.each([
  ['a network node alone', false],
  ['a network node with VMs', true],
])(`uplink of %s counts each of ${FRAMES} frames once, seed ${SEED}`, (_what, isHypervisor) => {
  const node = nodeOf('xdp', isHypervisor);
  const frames = [...corpusOf('xdp'), ...(isHypervisor ? hypervisorFrames() : [])];
  const ended = sendAll(node, uplinkOf(node, isHypervisor), frames);
  for (const [at, count] of ended.entries()) expect(count, `program ${at}`).toBeGreaterThan(FRAMES / 20);
});

it(`external network counts each of ${FRAMES} frames once, seed ${SEED}`, () => {
  const node = nodeOf('external');
  expect(sendAll(node, [{ program: node.program, goesOn: TCX_NEXT }], corpusOf('external'))[0]).toBeGreaterThan(
    FRAMES / 2,
  );
});
