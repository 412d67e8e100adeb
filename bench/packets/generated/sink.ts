// Generated from the BTF of bpf/bench/sink.bpf.c by `make gen`: do not edit, change the C.

import { type Codec } from 'libbpf-ts/codec';

/** struct arrived, 24 bytes */
export interface Arrived {
  packets: bigint;
  bytes: bigint;
  others: bigint;
}

export const Arrived = {
  NAME: 'struct arrived',
  SIZE: 24,
  OFFSETS: { packets: 0, bytes: 8, others: 16 },
  encode(into: Buffer, offset: number, value: Arrived): void {
    into.writeBigUInt64LE(value.packets, offset);
    into.writeBigUInt64LE(value.bytes, offset + 8);
    into.writeBigUInt64LE(value.others, offset + 16);
  },
  decode(from: Buffer, offset: number): Arrived {
    return {
      packets: from.readBigUInt64LE(offset),
      bytes: from.readBigUInt64LE(offset + 8),
      others: from.readBigUInt64LE(offset + 16),
    };
  },
} as const satisfies Codec<Arrived> & { OFFSETS: Record<keyof Arrived, number> };
