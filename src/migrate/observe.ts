/** Migrations in show and doctor. */
import { z } from 'zod';
import { heldMigration } from './resources.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Port } from '../intent/types.js';
import type { FeatureFinding, Observation, ObservedNode } from '../reconcile/observation.js';

/** Where the VM of a migrating port is: here, expected, or gone. */
const STATES = ['here', 'standby', 'left'] as const;
type State = (typeof STATES)[number];

declare module '../reconcile/observation.js' {
  interface PortShown {
    /** Where the VM of a migrating port is; null: the port does not migrate. */
    migration: State | null;
    /** Packets that this node relayed to the other node; null: the port does not migrate. */
    migrationRelayed: number | null;
  }
}

function stateOf(kernel: Kernel, device: string, port: Port | undefined): State | null {
  const held = heldMigration(kernel, device);
  if (held === undefined) return null;
  if (port?.migrate?.from !== undefined) return held.activated ? 'here' : 'standby';
  return held.activated ? 'left' : 'here';
}

function check({ kernel, config, intent }: ObservedNode): Promise<FeatureFinding[]> {
  const moving = intent?.ports.filter(({ node, migrate }) => node === config.node && migrate !== undefined) ?? [];
  return Promise.resolve(
    moving.map((port): FeatureFinding => {
      const { name, interface: device } = port;
      const state = stateOf(kernel, device, port);
      if (state !== null) return { name: `migration.${device}`, status: 'ok', what: `${name} migrates: ${state}` };
      const what = `${name} is to migrate, but its port is not prepared`;
      return { name: `migration.${device}`, status: 'warn', what, advice: 'run segue apply, or see the agent’s log' };
    }),
  );
}

export const migrateObservation = {
  portFields: {
    migration: {
      title: 'MIGRATION',
      schema: z.enum(STATES).nullable().describe('Where the VM of a port that migrates is; null: it does not migrate.'),
      value: stateOf,
    },
    migrationRelayed: {
      title: 'RELAYED',
      schema: z.int().nullable().describe('Packets for it that this node has sent on to the other one.'),
      value: (kernel, device) => heldMigration(kernel, device)?.relayed ?? null,
    },
  },
  check,
} satisfies Observation;
