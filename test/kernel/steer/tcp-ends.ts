/** Both ends of TCP connections: segments with the sequence numbers that the ends would write. */
import { IP, ip4, ip6, tcp } from '../fastpath/packets.js';

const [FIN, SYN, RST, ACK] = [0x01, 0x02, 0x04, 0x10];
export const WINDOW = 60_000;

export type End = 'red' | 'blue';
const OTHER: Readonly<Record<End, End>> = { red: 'blue', blue: 'red' };
const ADDRESSES = {
  4: { red: '10.0.0.1', blue: '10.1.0.2' },
  6: { red: 'cafe:a::1', blue: 'cafe:b::2' },
} as const;

export interface SegmentFields {
  flags: number;
  size?: number;
  sequence?: number;
  acked?: number;
  window?: number;
  options?: Buffer;
}

let connections = 0;

/** One connection between red, who opens it from a port of its own, and blue's port 80. */
export class TcpEnds {
  /** The next sequence number of each end. */
  readonly next: Record<End, number>;
  readonly #first: Record<End, number>;

  readonly #port: number;
  readonly #family: 4 | 6;

  constructor(port = 4000, family: 4 | 6 = 4) {
    this.#port = port;
    this.#family = family;
    connections += 1;
    this.#first = { red: (connections * 7_654_321) >>> 0, blue: (connections * 1_234_567 + 0xfff00000) >>> 0 };
    this.next = { ...this.#first };
  }

  /** What an end sends next; fields that are given are written as they are. A SYN is the same each time. */
  segment(from: End, { flags, size = 0, ...fields }: SegmentFields): Buffer {
    const isSyn = (flags & SYN) !== 0;
    const sequence = isSyn ? this.#first[from] : this.next[from];
    const acked = (flags & ACK) === 0 ? 0 : this.next[OTHER[from]];
    const packet = this.packet(from, { flags, size, sequence, acked, ...fields });
    if ((flags & RST) === 0 && fields.sequence === undefined) {
      this.next[from] = (sequence + size + (isSyn ? 1 : 0) + (flags & FIN)) >>> 0;
    }
    return packet;
  }

  /** A packet between the two, whoever made it. */
  packet(from: End, { size = 0, window = WINDOW, ...fields }: SegmentFields): Buffer {
    const ports = from === 'red' ? { source: this.#port, destination: 80 } : { source: 80, destination: this.#port };
    const payload = tcp({ ...ports, size, window, ...fields });
    const addresses = ADDRESSES[this.#family];
    const ends = { from: addresses[from], to: addresses[OTHER[from]] };
    return this.#family === 4 ? ip4({ ...ends, protocol: IP.tcp, payload }) : ip6({ ...ends, next: IP.tcp, payload });
  }
}

/** The option by which a SYN offers to scale windows, with what usually stands before it. */
export function scaleOption(shift: number): Buffer {
  return Buffer.from([2, 4, 0x05, 0xb4, 1, 3, 3, shift]);
}
