/** What the fast path's programs cost, by themselves: the real ones, and what they did undone after each run. */
import { join } from 'node:path';
import { BpfObject, TestRun } from 'libbpf-ts';
import { writeAddress, writeMac } from 'netlink-ts/inet';
import { machineSizes } from '../../src/ebpf/maps.js';
import { INNER, MAC, TUNNEL_SOURCE } from '../chain/names.js';
import { makeFrame } from '../packets/frame.js';
import { fill, SID, SIDES } from '../paths/fast-maps.js';
import { times, row } from './rows.js';
import type { Family } from '../chain/names.js';
import type { Side } from '../paths/fast-maps.js';
import type { Effort, Row } from './rows.js';

const REPEAT = 500_000;
const FRAME_BYTES = 64;
const TENANT_MTU = 1500;
/** Where test runs without a context of their own come from. */
const LOOPBACK = 1;
const UPLINK = 2;
const XDP_PASS = 2;
const XDP_REDIRECT = 4;
const ETHERNET_BYTES = 14;
const OUTER_BYTES = 40;
const PROTOCOL = { 4: 4, 6: 41 } as const;
/** Offsets of protocol and addresses in an IPv6 header. */
const IPV6 = { length: 4, next: 6, hopLimit: 7, source: 8, destination: 24 } as const;

interface Subject {
  name: string;
  program: string;
  side: Side | undefined;
  /** Words that are put back after a run. */
  words: number;
  frame: Buffer;
}

/** The frame that a hypervisor's peer made of a frame. */
function encapsulated(family: Family, { head }: { head: Buffer }): Buffer {
  const frame = Buffer.alloc(head.length + OUTER_BYTES);
  writeMac(MAC.hv2Uplink, frame, 0);
  writeMac(MAC.hv1Uplink, frame, 6);
  frame.writeUInt16BE(0x86dd, 12);
  const outer = frame.subarray(ETHERNET_BYTES, ETHERNET_BYTES + OUTER_BYTES);
  outer.writeUInt8(0x60, 0);
  outer.writeUInt16BE(head.length - ETHERNET_BYTES, IPV6.length);
  outer.writeUInt8(PROTOCOL[family], IPV6.next);
  outer.writeUInt8(64, IPV6.hopLimit);
  writeAddress(TUNNEL_SOURCE.hv1, outer, IPV6.source);
  writeAddress(SID.hv2, outer, IPV6.destination);
  head.copy(frame, ETHERNET_BYTES + OUTER_BYTES, ETHERNET_BYTES);
  // To the address of the port's own VM: an exact match, as most are.
  const inner = frame.subarray(ETHERNET_BYTES + OUTER_BYTES);
  writeAddress(INNER[family].sinkLink, inner, family === 4 ? 16 : IPV6.destination);
  return frame;
}

/** A frame of the generator's, to the address that is looked up exactly. */
function tenantFrame(family: Family): Buffer {
  const { head } = makeFrame(family, FRAME_BYTES);
  writeAddress(INNER[family].sinkLink, head.subarray(ETHERNET_BYTES), family === 4 ? 16 : IPV6.destination);
  return head;
}

/** ns a packet of encapsulation at XDP of a port, and of decapsulation at XDP of an uplink, lookups, counters and the redirect's call included. */
export function measureFastpath(directory: string, effort: Effort): Row[] {
  const [hv1, hv2] = SIDES;
  const subjects = ([4, 6] as const).flatMap((family): Subject[] => [
    {
      name: `encapsulation at XDP, IPv${family}`,
      program: 'port_xdp cost_encap',
      side: hv1,
      words: 8,
      frame: tenantFrame(family),
    },
    {
      name: `decapsulation at XDP, IPv${family}`,
      program: 'uplink_xdp cost_decap',
      side: hv2,
      words: 9,
      frame: encapsulated(family, makeFrame(family, FRAME_BYTES)),
    },
  ]);
  const repeat = times(REPEAT, effort);
  const runs = subjects.map(({ name, program, side, words, frame }) => {
    const [file = '', entry = ''] = program.split(' ');
    // The undoing program reads the head as an array of nine words.
    const head = Buffer.alloc(72);
    frame.copy(head, 0, 0, words * 8);
    const object = BpfObject.load(join(directory, `${file}.o`), { rodata: { head }, maps: machineSizes() });
    if (side !== undefined) fill(object, side, { port: LOOPBACK, uplink: UPLINK, runs: LOOPBACK }, TENANT_MTU);
    const whole = new TestRun(object.program(entry), { data: frame, repeat });
    const undo = new TestRun(object.program('cost_undo'), { data: frame, repeat });
    return { name, object, whole, undo, costs: [] as number[] };
  });
  try {
    for (let round = -1; round < effort.rounds; round++) {
      for (const { name, whole, undo, costs } of runs) {
        const base = undo.run();
        const run = whole.run();
        if (run.verdict !== XDP_REDIRECT || base.verdict !== XDP_PASS) {
          throw new Error(`${name}: verdicts ${run.verdict}, ${base.verdict}, expected ${XDP_REDIRECT}, ${XDP_PASS}`);
        }
        if (round >= 0) costs.push(run.duration - base.duration);
      }
    }
    return runs.map(({ name, costs }) => row(name, 'ns/packet', costs));
  } finally {
    for (const { object } of runs) object.close();
  }
}
