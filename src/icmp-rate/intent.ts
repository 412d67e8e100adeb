/** The key `icmpRate` of ports. */
import { z } from 'zod';
import { exact } from '../intent/equality.js';
import { portKey } from '../intent/part.js';
import type { IntentPart } from '../intent/part.js';

declare module '../intent/types.js' {
  interface Port {
    /** ICMP messages per second from the gateway to the VM, echo replies and errors together. Absent: only errors are limited. */
    icmpRate?: number;
  }
}

/** The interval between two messages is at least a microsecond, in whole microseconds. */
const MAX_ICMP_RATE = 10_000;
const RATE = `ICMP messages a second, a whole number from 1 to ${MAX_ICMP_RATE}`;

export const icmpRateIntent = {
  keys: {
    port: {
      icmpRate: portKey({
        schema: z.int({ error: RATE }).min(1, { error: RATE }).max(MAX_ICMP_RATE, { error: RATE }),
        read: (given) => given,
        same: exact,
        keptBy: 'own-node',
      }),
    },
  },
} satisfies IntentPart;
