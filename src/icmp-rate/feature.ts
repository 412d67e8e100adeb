/** A limit for the gateway's replies to a VM (`icmpRate` of ports): echo replies and ICMP errors. */
import { NODE } from '../plan/units.js';
import { icmpRateIntent } from './intent.js';
import { icmpRateObservation } from './observe.js';
import { planIcmpRate, planIcmpTable } from './plan.js';
import { bpfIcmpRateResource, icmpRateResource } from './resources.js';
import type { Feature } from '../reconcile/feature.js';

export const icmpRateFeature = {
  name: 'icmp-rate',
  intent: icmpRateIntent,
  resources: { 'bpf-icmp-rate': bpfIcmpRateResource, 'icmp-rate': icmpRateResource },
  plans: { node: planIcmpTable, localPort: planIcmpRate },
  affected: {
    port(view, { before, after }, { units }) {
      const isBounded = [before, after].some((port) => port?.icmpRate !== undefined && view.isLocal(port));
      if (isBounded) units.add(NODE);
    },
  },
  observe: icmpRateObservation,
} satisfies Feature;
