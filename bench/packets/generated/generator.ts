// Generated from the BTF of bpf/bench/generator.bpf.c by `make gen`: do not edit, change the C.

import { type Codec } from 'libbpf-ts/codec';

/** struct generated, 32 bytes */
export interface Generated {
  offered: bigint;
  startNs: bigint;
  lastNs: bigint;
  givenUp: bigint;
}

export const Generated = {
  NAME: 'struct generated',
  SIZE: 32,
  OFFSETS: { offered: 0, startNs: 8, lastNs: 16, givenUp: 24 },
  encode(into: Buffer, offset: number, value: Generated): void {
    into.writeBigUInt64LE(value.offered, offset);
    into.writeBigUInt64LE(value.startNs, offset + 8);
    into.writeBigUInt64LE(value.lastNs, offset + 16);
    into.writeBigUInt64LE(value.givenUp, offset + 24);
  },
  decode(from: Buffer, offset: number): Generated {
    return {
      offered: from.readBigUInt64LE(offset),
      startNs: from.readBigUInt64LE(offset + 8),
      lastNs: from.readBigUInt64LE(offset + 16),
      givenUp: from.readBigUInt64LE(offset + 24),
    };
  },
} as const satisfies Codec<Generated> & { OFFSETS: Record<keyof Generated, number> };
