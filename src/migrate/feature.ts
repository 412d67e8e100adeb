/** Live migration (`migrate` of ports): both nodes are prepared, and the VM's own announcement shows on which of them it is active. */
import { peerOf } from '../intent/migration.js';
import { pairKey, PAIR } from '../plan/units.js';
import { migrateIntent } from './intent.js';
import { migrateObservation } from './observe.js';
import { planMigration } from './plan.js';
import { bpfMigrationResource, bpfNoticeResource } from './resources.js';
import type { Feature } from '../reconcile/feature.js';

export const migrateFeature = {
  name: 'migrate',
  intent: migrateIntent,
  resources: { 'bpf-migration': bpfMigrationResource, 'bpf-notice': bpfNoticeResource },
  plans: { localPort: planMigration },
  affected: {
    port(view, { before, after }, { units }) {
      for (const port of [before, after])
        if (port?.migrate !== undefined && view.isLocal(port))
          units.add(PAIR, pairKey(port.tenant, peerOf(port.migrate)));
    },
  },
  observe: migrateObservation,
} satisfies Feature;
