/** The eBPF data plane's part of the intent. */
import { z } from 'zod';
import { exact } from '../intent/equality.js';
import { portKey } from '../intent/part.js';
import type { IntentPart } from '../intent/part.js';

declare module '../intent/types.js' {
  interface Port {
    /** The VM leaves neither checksums nor segmentation to the interface, so XDP may process its packets. */
    xdp?: true;
  }
}

export const ebpfIntent = {
  keys: {
    port: {
      xdp: portKey({
        schema: z.boolean({ error: 'true or false' }),
        read: (given) => (given ? (true as const) : undefined),
        same: exact,
        keptBy: 'every-node',
      }),
    },
  },
} satisfies IntentPart;
