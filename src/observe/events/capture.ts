/** Packets as pcapng: each as it came and as it left. */
import { reasonOf } from '../../ebpf/counters.js';
import { Hook } from '../../ebpf/generated/layouts.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../packet/pcapng.js';
import { summarise, summaryText } from './summary.js';
import { type Prefix, prefixContains } from 'netlink-ts/inet';
import type { PacketBlock } from '../../packet/pcapng.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';

/** What an event's interfaces and tenant are called. */
export interface CaptureNames {
  device: (ifindex: number) => string;
  tenant: (id: number) => string | null;
  /** Nothing is beneath the fast path: what it does not take it drops. */
  alone: boolean;
}

/** TC_ACT_SHOT, TCX_NEXT, TC_ACT_REDIRECT (linux/pkt_cls.h, linux/bpf.h); XDP_DROP, XDP_PASS, XDP_REDIRECT. */
const VERDICTS = {
  tc: { drop: 2, punt: -1, redirect: 7 },
  xdp: { drop: 1, punt: 2, redirect: 4 },
} as const;

const VERDICT_OF = { forward: 'redirect', answer: 'redirect', punt: 'punt', pass: 'punt', drop: 'drop' } as const;

/** Turns events into blocks: an interface is described before its first packet. */
export class CaptureWriter {
  readonly #write: (bytes: Buffer) => void;
  readonly #names: CaptureNames;
  readonly #snap: number;
  readonly #nanoseconds: (time: bigint) => bigint;
  readonly #interfaces = new Map<string, number>();
  #packets = 0;

  /** @param nanoseconds since 1970 of an event's time */
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

  /** Packets so far; one that came and left counts once. */
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
      comment: `packet ${this.#packets} as it came: ${verdict} (${reason})${of}${left}${parts}`,
      verdict: { hook, value: VERDICTS[hook][VERDICT_OF[verdict]] },
    });
    if (after === undefined) return;
    this.#packet(egress, after, afterLength, {
      ...common,
      direction: 'outbound',
      comment: `packet ${this.#packets} as it leaves${of}, came in by ${this.#names.device(ifindex)}`,
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

/** Whether an address or a prefix is one of a packet's: of the inner or the outer header, where it came or where it leaves. */
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
  // The header that was put around it, or taken off, is in one of the two.
  const shown = typeof outbound?.outerTo === 'string' ? outbound : inbound;
  return `${clock}  ${verdict} ${reason}  ${way}  ${shown === undefined ? '' : summaryText(shown)}`;
}
