/** The key `migrate` of ports. */
import { z } from 'zod';
import { portKey } from '../intent/part.js';
import type { CheckedLists, IntentPart } from '../intent/part.js';
import type { Context } from '../intent/check/context.js';
import type { Migration } from '../intent/migration.js';

const TEXT = { to: 'the name of a node', interface: 'the name of an interface there', activate: 'announce or intent' };
const INTERFACE = /^[^\s/:]{1,15}$/;

/** Only plain strings: the fast test of ports supports no other schema (intent/fast-validate.ts). */
const schema = z.strictObject({
  to: z.string({ error: TEXT.to }).optional(),
  from: z.string({ error: TEXT.to }).optional(),
  interface: z.string({ error: TEXT.interface }).optional(),
  activate: z.string({ error: TEXT.activate }).optional(),
});

function sameMigration(a: Migration | undefined, b: Migration | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Checks names after all entities have been read. */
function check({ nodes, ports }: CheckedLists, context: Context): void {
  const names = new Set(nodes.map(({ name }) => name));
  const taken = new Set(ports.map(({ node, interface: device }) => `${node} ${device}`));
  for (const [index, { node, migrate }] of ports.entries()) {
    if (migrate === undefined) continue;
    const at = ['ports', index, 'migrate'];
    const { to, from } = migrate;
    const peer = to ?? from;
    if (peer !== undefined && (!names.has(peer) || peer === node)) {
      context.findings.add(
        [...at, to === undefined ? 'from' : 'to'],
        peer,
        'a node of the intent other than the one that the port is on',
      );
    } else if (to !== undefined) {
      const place = `${to} ${migrate.interface}`;
      if (taken.has(place)) {
        context.findings.add([...at, 'interface'], migrate.interface, `an interface of ${to} that no other port has`);
      }
      taken.add(place);
    }
  }
}

export const migrateIntent = {
  keys: {
    port: {
      migrate: portKey({
        schema,
        read({ to, from, interface: device, activate = 'announce' }, _facts, place): Migration | undefined {
          if (activate !== 'announce' && activate !== 'intent')
            return place.refuse(activate, TEXT.activate, 'activate');
          if (from !== undefined && to === undefined && device === undefined) return { activate, from };
          if (to === undefined || from !== undefined) return place.refuse(to, 'to, the node that the VM moves to');
          if (device === undefined) return place.refuse(device, TEXT.interface, 'interface');
          if (!INTERFACE.test(device))
            return place.refuse(device, `${TEXT.interface}, 1 to 15 characters`, 'interface');
          return { activate, to, interface: device };
        },
        same: sameMigration,
        keptBy: 'own-node',
      }),
    },
  },
  check,
} satisfies IntentPart;
