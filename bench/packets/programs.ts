/** The benchmark's eBPF programs (bpf/bench), loaded and attached. */
import { fileURLToPath } from 'node:url';
import { attachTcx, attachXdp, type BpfLink, type BpfMap, BpfObject } from 'libbpf-ts';
import { UDP_PORT } from './frame.js';
import { Generated } from './generated/generator.js';
import { Arrived } from './generated/sink.js';
import type { Frame } from './frame.js';

/** From build/bench/packets, where this module runs. */
function objectFile(name: string): string {
  return fileURLToPath(new URL(`../../bpf/bench/${name}.o`, import.meta.url));
}

/** The map of the global variables that programs write: one value of all of them. */
function globalsOf(object: BpfObject): BpfMap {
  const name = object.mapNames.find((one) => one.endsWith('.bss'));
  if (name === undefined) throw new Error(`object ${object.name}: no .bss, expected the counters there`);
  return object.map(name);
}

export interface AttachedSink {
  /** Sums over CPUs, and the packets that each CPU carried to here. */
  read(): { packets: number; bytes: number; packetsByCpu: number[] };
  /** Takes frames at XDP, too, or sk_buffs alone. */
  takeFrames(frames: boolean): void;
  close(): void;
}

/** Attaches bpf/bench/sink.bpf.c to a device: to tcx, and to XDP. */
export function attachSink(netns: string, ifindex: number): AttachedSink {
  const object = BpfObject.load(objectFile('sink'), { rodata: { udp_port: UDP_PORT } });
  try {
    const where = { interface: ifindex, netns };
    const link = attachTcx(object.program('count_skb'), { ...where, direction: 'ingress' });
    const attach = (): BpfLink => attachXdp(object.program('count'), { ...where, mode: 'native' });
    let xdp: BpfLink | undefined = attach();
    const map = object.map('arrived');
    const key = Buffer.alloc(4);
    const value = Buffer.alloc(map.valueSize);
    return {
      read() {
        map.lookup(key, value);
        const counted = map.cpuValues(value).map((one) => Arrived.decode(one, 0));
        const sum = (field: 'packets' | 'bytes'): number => counted.reduce((all, one) => all + Number(one[field]), 0);
        const packetsByCpu = counted.map(({ packets }) => Number(packets));
        return { packets: sum('packets'), bytes: sum('bytes'), packetsByCpu };
      },
      takeFrames(frames) {
        if (frames) {
          xdp ??= attach();
        } else {
          xdp?.close();
          xdp = undefined;
        }
      },
      close() {
        xdp?.close();
        link.close();
        object.close();
      },
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

/** One hop of the bare redirect. */
export interface Redirect {
  hook: 'xdp' | 'tcx';
  /** To the other end of the device at once. */
  toPeer: boolean;
  netns: string;
  /** Where frames arrive. */
  from: number;
  /** Where they leave, in the same namespace. */
  to: number;
  /** MAC addresses, as text. */
  destination: string;
  source: string;
}

/** Destination and source as programs of bpf/bench write them: 12 bytes, and 4 that are not used. */
export function macPair(destination: string, source: string): Buffer {
  const bytes = Buffer.alloc(16);
  `${destination}:${source}`.split(':').forEach((byte, i) => bytes.writeUInt8(parseInt(byte, 16), i));
  return bytes;
}

/** Attaches bpf/bench/redirect.bpf.c to a device. @returns what detaches it */
export function attachRedirect({ hook, toPeer, netns, from, to, destination, source }: Redirect): { close(): void } {
  const rodata = { ifindex: to, addresses: macPair(destination, source), to_peer: Number(toPeer) };
  const object = BpfObject.load(objectFile('redirect'), { rodata });
  try {
    const link =
      hook === 'xdp'
        ? attachXdp(object.program('forward'), { interface: from, netns, mode: 'native' })
        : attachTcx(object.program('forward_skb'), { interface: from, netns, direction: 'ingress' });
    return {
      close() {
        link.close();
        object.close();
      },
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

export interface GeneratorConfiguration extends Frame {
  /** Device that frames go out of. */
  ifindex: number;
  flows: number;
  /** Addresses that flows go to; 0: each flow has one of its own. */
  endpoints: number;
  /** Order in which flows send: in turn, each as likely as another, or as `draws` says. */
  spread: 'sequential' | 'uniform' | 'drawn';
  /** DRAWS numbers of flows. */
  draws?: Uint32Array;
  /** Packets a second; 0: as fast as it goes. */
  rate: number;
}

export interface Generator {
  /** Runs the program so often, in batches; with a rate not every run sends a frame. Blocks. @returns ns a run took */
  run(data: Buffer, runs: number, batch: number): number;
  /** Runs the program once without sending. @returns the frame */
  once(data: Buffer): Buffer;
  /** Since the start or the last reset. */
  counters(): { sent: number; spanNs: number };
  reset(): void;
  close(): void;
}

const NS_PER_S = 1e9;

/** enum spread of bpf/bench/generator.bpf.c, in its order. */
const SPREADS: readonly GeneratorConfiguration['spread'][] = ['sequential', 'uniform', 'drawn'];

/** What the program gets of the frame. */
function frameRodata(frame: Frame): Record<string, Buffer | number> {
  return {
    head: frame.head,
    destination_offset: frame.destinationOffset,
    source_port_offset: frame.sourcePortOffset,
    ip_checksum_offset: frame.ipChecksumOffset,
    udp_checksum_offset: frame.udpChecksumOffset,
  };
}

function fillDraws(map: BpfMap, draws: Uint32Array): void {
  const keys = Uint32Array.from(draws, (_, index) => index);
  map.updateBatch(Buffer.from(keys.buffer), Buffer.from(draws.buffer, draws.byteOffset, draws.byteLength));
}

/** Loads bpf/bench/generator.bpf.c. */
export function loadGenerator(configuration: GeneratorConfiguration, file = objectFile('generator')): Generator {
  const { ifindex, flows, endpoints, spread, draws, rate } = configuration;
  const object = BpfObject.load(file, {
    maps: { draws: { maxEntries: draws?.length ?? 1 } },
    rodata: {
      ...frameRodata(configuration),
      ifindex,
      flows,
      endpoints,
      spread: SPREADS.indexOf(spread),
      rate_q32: Math.round((rate / NS_PER_S) * 2 ** 32),
    },
  });
  if (draws !== undefined) fillDraws(object.map('draws'), draws);
  const program = object.program('generate');
  const globals = globalsOf(object);
  const key = Buffer.alloc(4);
  const value = Buffer.alloc(globals.valueSize);
  return {
    run(data, runs, batch) {
      return program.testRun({ data, repeat: runs, liveFrames: true, batchSize: batch }).duration;
    },
    once(data) {
      return program.testRun({ data }).data;
    },
    counters() {
      globals.lookup(key, value);
      const { offered, startNs, lastNs } = Generated.decode(value, 0);
      return { sent: Number(offered), spanNs: Number(lastNs - startNs) };
    },
    reset() {
      globals.update(key, Buffer.alloc(globals.valueSize));
    },
    close() {
      object.close();
    },
  };
}
