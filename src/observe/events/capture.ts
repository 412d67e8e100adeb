/** Writes packets as pcapng, as they arrived and as they left. */
import { reasonOf } from '../../ebpf/counters.js';
import { Hook } from '../../ebpf/generated/layouts.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../packet/pcapng.js';
import { summarise, summaryText } from './summary.js';
import { type Prefix, prefixContains } from 'netlink-ts/inet';
import type { PacketBlock } from '../../packet/pcapng.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';

/** The names of an event's interfaces and tenant. */
export interface CaptureNames {
  device: (ifindex: number) => string;
  tenant: (id: number) => string | null;
  /** No kernel data plane: the fast path drops what it does not forward. */
  alone: boolean;
}

/** TC_ACT_SHOT, TCX_NEXT, TC_ACT_REDIRECT (linux/pkt_cls.h, linux/bpf.h); XDP_DROP, XDP_PASS, XDP_REDIRECT. */
const VERDICTS = {
  tc: { drop: 2, punt: -1, redirect: 7 },
  xdp: { drop: 1, punt: 2, redirect: 4 },
} as const;

const VERDICT_OF = { forward: 'redirect', answer: 'redirect', punt: 'punt', pass: 'punt', drop: 'drop' } as const;

/** Converts events to blocks; an interface's block precedes its first packet. */
export class CaptureWriter {
  readonly #write: (bytes: Buffer) => void;
  readonly #names: CaptureNames;
  readonly #snap: number;
  readonly #nanoseconds: (time: bigint) => bigint;
  readonly #interfaces = new Map<string, number>();
  #packets = 0;

  /** @param nanoseconds converts the time of an event to ns since 1970 */
  constructor(
    write: (bytes: Buffer) => void,
    names: CaptureNames,
    { snap, application }: { snap: number; application: string },
    nanoseconds: (time: bigint) => bigint,
  ) {
    this.#write = write;
    this.#names = names;
    this.#snap = snap;
    this.#nanoseconds = nanoseconds;
    write(sectionHeader(application));
  }

  /** Number of packets; arrival and departure of a packet count as one. */
  get packets(): number {
    return this.#packets;
  }

  add(seen: TraceEvent): void {
    const { ifindex, egress, before, after, length, afterLength, segments } = seen;
    this.#packets += 1;
    const { verdict, reason } = reasonOf(seen.reason, this.#names.alone);
    const tenant = this.#names.tenant(seen.tenant);
    const common = { time: this.#nanoseconds(seen.time), packetId: BigInt(this.#packets) };
    const hook = seen.hook === Hook.HOOK_PORT_XDP || seen.hook === Hook.HOOK_UPLINK_XDP ? 'xdp' : 'tc';
    const of = tenant === null ? '' : `, tenant ${tenant}`;
    const left = after === undefined ? '' : `, leaves by ${this.#names.device(egress)}`;
    const parts = segments > 1 ? `, ${segments} segments` : '';
    this.#packet(ifindex, before, length, {
      ...common,
      direction: 'inbound',
      comment: `packet ${this.#packets} as it arrived: ${verdict} (${reason})${of}${left}${parts}`,
      verdict: { hook, value: VERDICTS[hook][VERDICT_OF[verdict]] },
    });
    if (after === undefined) return;
    this.#packet(egress, after, afterLength, {
      ...common,
      direction: 'outbound',
      comment: `packet ${this.#packets} as it leaves${of}, arrived by ${this.#names.device(ifindex)}`,
    });
  }

  #packet(
    ifindex: number,
    frame: Buffer,
    wireLength: number,
    rest: Omit<PacketBlock, 'interfaceId' | 'bytes' | 'wireLength'>,
  ): void {
    const name = this.#names.device(ifindex);
    let interfaceId = this.#interfaces.get(name);
    if (interfaceId === undefined) {
      interfaceId = this.#interfaces.size;
      this.#interfaces.set(name, interfaceId);
      this.#write(interfaceDescription(name, `ifindex ${ifindex}`, this.#snap));
    }
    this.#write(enhancedPacket({ ...rest, interfaceId, bytes: frame.subarray(0, this.#snap), wireLength }));
  }
}

/** Whether an address of a packet is in a prefix: in the inner or outer header, on arrival or departure. */
export function concerns(seen: TraceEvent, prefix: Prefix): boolean {
  return [seen.before, seen.after].some((frame) => {
    if (frame === undefined) return false;
    const { from, to, outerFrom, outerTo } = summarise(frame, frame.length);
    return [from, to, outerFrom, outerTo].some((address) => address !== null && prefixContains(prefix, address));
  });
}

/** `12:00:01.123456  forward forwarded  red-a > eth0  10.0.0.10 > 10.0.0.20 icmp type 8, 84 bytes` */
export function captureLine(seen: TraceEvent, time: string, names: CaptureNames): string {
  const { verdict, reason } = reasonOf(seen.reason, names.alone);
  const clock = time.slice(time.indexOf('T') + 1, -1);
  const way = `${names.device(seen.ifindex)} > ${seen.egress === 0 ? (verdict === 'punt' || verdict === 'pass' ? 'kernel' : '-') : names.device(seen.egress)}`;
  const [inbound, outbound] = [seen.before, seen.after].map((frame, index) =>
    frame === undefined
      ? undefined
      : summarise(frame, index === 0 ? seen.length : seen.afterLength, index === 0 ? seen.vlanTci : 0),
  );
  // Only one of the two has the outer header.
  const shown = typeof outbound?.outerTo === 'string' ? outbound : inbound;
  return `${clock}  ${verdict} ${reason}  ${way}  ${shown === undefined ? '' : summaryText(shown)}`;
}
