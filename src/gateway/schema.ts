/** Structure of gateways, external networks and policies. A message is the end of the sentence "expected …". */
import { z } from 'zod';
import { MAX_L4_PORT, MAX_POLICY_PRIORITY } from '../intent/bounds.js';
import { integer, NAME, NODE_NAME, PREFIX, some, TENANT_NAME, text } from '../intent/schema-values.js';
import { Structure } from '../intent/structure.js';

export const gatewayStructure = new Structure(
  z.strictObject(
    {
      name: text(NAME),
      nodes: some(text(NODE_NAME), 'a list of one or more names of nodes'),
      tenants: some(text(TENANT_NAME), 'a list of one or more names of tenants'),
    },
    { error: 'a gateway: a map with name, nodes and tenants' },
  ),
);

const policyEnd = z.strictObject(
  {
    tenant: text(TENANT_NAME).optional(),
    external: text('the name of an external network (text)').optional(),
    prefixes: some(text(PREFIX), 'a list of one or more prefixes, or none').optional(),
  },
  { error: 'one end of a policy: a map with tenant or external, and prefixes' },
);

const PORTS = `a port from 0 to ${MAX_L4_PORT}, or a range in quotes such as "8000-8100"`;
const l4Port = z.union(
  [z.int({ error: PORTS }).min(0, { error: PORTS }).max(MAX_L4_PORT, { error: PORTS }), text(PORTS)],
  {
    error: PORTS,
  },
);

export const policyStructure = new Structure(
  z.strictObject(
    {
      name: text(NAME),
      from: policyEnd,
      to: policyEnd,
      protocol: z.enum(['tcp', 'udp', 'icmp', 'any'], { error: 'tcp, udp, icmp or any' }),
      ports: some(l4Port, 'a list of one or more ports and ranges of ports').optional(),
      action: z.enum(['allow', 'deny'], { error: 'allow or deny' }),
      log: z.boolean({ error: 'true or false' }).optional(),
      priority: integer(0, MAX_POLICY_PRIORITY, 'a whole number').optional(),
    },
    { error: 'a policy: a map with name, from, to, protocol and action' },
  ),
);

export const externalStructure = new Structure(
  z.strictObject(
    {
      name: text(NAME),
      gateway: text('the name of a gateway (text)'),
      interface: text('the name of a network interface (text)'),
      prefixes: some(text(PREFIX), 'a list of one or more prefixes'),
    },
    { error: 'an external network: a map with name, gateway, interface and prefixes' },
  ),
);
