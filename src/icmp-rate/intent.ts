/** The key `icmpRate` of ports. */
import { z } from 'zod';
import { exact } from '../intent/equality.js';
import { portKey } from '../intent/part.js';
import type { IntentPart } from '../intent/part.js';

declare module '../intent/types.js' {
  interface Port {
    /** ICMP messages a second that the gateway answers the VM with, echo replies and errors together. Absent: errors alone have a bound. */
    icmpRate?: number;
  }
}

/** The interval between two messages is whole microseconds or more. */
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
