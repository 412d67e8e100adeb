/**
 * The structure of the files, defined once: which keys there are, which may be left out, what type each has. A message
 * is the end of the sentence "expected …". What the texts mean (addresses, names) and how entities relate is checked
 * in check/; per-field refinements here would cost more than all of it at 100,000 ports.
 */
import { z } from 'zod';
import { Structure } from './structure.js';
import { tlsSchema } from '../fleet/tls-files.js';
import {
  MAX_DSCP,
  MAX_L4_PORT,
  MAX_MTU_BYTES,
  MAX_POLICY_PRIORITY,
  MAX_TABLE,
  MAX_TENANT_ID,
  MAX_VIA_SEGMENTS,
  MIN_IPV6_MTU_BYTES,
  MIN_TENANT_MTU_BYTES,
} from './bounds.js';

const text = (expected: string) => z.string({ error: expected });

const integer = (least: number, most: number, what: string) => {
  const error = `${what} from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

const some = <T extends z.ZodType>(item: T, expected: string) =>
  z.array(item, { error: expected }).min(1, { error: expected });

const ADDRESS = 'an IPv4 or IPv6 address';
const PREFIX = 'a prefix, address/length';
const NAME = 'a name (text)';

/** Also what a wrong combination was expected to be. */
export const BEHAVIOURS = '[dt46] or [dt4, dt6]';
const behaviours = some(z.enum(['dt46', 'dt4', 'dt6'], { error: 'dt46, dt4 or dt6' }), BEHAVIOURS);

/** Schemas of features' keys, which files may leave out. */
export type ExtraKeys = Readonly<Record<string, z.ZodType>>;

/** Typed as none: what features add is read by them. */
function optional(extra: ExtraKeys): Record<never, never> {
  return Object.fromEntries(Object.entries(extra).map(([key, schema]) => [key, schema.optional()]));
}

const nodeSchema = (extra: ExtraKeys) =>
  z.strictObject(
    {
      name: text(NAME),
      locator: text('the locator of the node, an IPv6 /48'),
      source: text('the outer source, an IPv6 address').optional(),
      acceptedSources: some(text('an outer source, an IPv6 address'), 'a list of one or more outer sources').optional(),
      behaviours: behaviours.optional(),
      drain: z.boolean({ error: 'true or false' }).optional(),
      ...optional(extra),
    },
    { error: 'a node: a map with name and locator' },
  );

const subnetSchema = (extra: ExtraKeys) =>
  z.strictObject(
    { prefix: text(PREFIX), gateway: text('the address of the gateway, one for each subnet'), ...optional(extra) },
    { error: 'a subnet: a map with prefix and gateway' },
  );

const DSCP = { error: `copy, zero or a number from 0 to ${MAX_DSCP}` };
// A union gives its own message or that of the part that came nearest: both are the same here.
const dscp = z.union([z.enum(['copy', 'zero'], DSCP), z.int(DSCP).min(0, DSCP).max(MAX_DSCP, DSCP)], DSCP);

const tenantSchema = (extra: ExtraKeys, subnet: ExtraKeys) =>
  z.strictObject(
    {
      name: text(NAME),
      id: integer(1, MAX_TENANT_ID, 'a whole number'),
      subnets: some(subnetSchema(subnet), 'a list of one or more subnets'),
      dscp: dscp.optional(),
      mtu: integer(MIN_TENANT_MTU_BYTES, MAX_MTU_BYTES, 'bytes, a whole number').optional(),
      gatewayMac: text('a MAC address in quotes, such as "02:00:00:00:00:01"').optional(),
      ...optional(extra),
    },
    { error: 'a tenant: a map with name, id and subnets' },
  );

const portSchema = (extra: ExtraKeys) =>
  z.strictObject(
    {
      name: text(NAME),
      tenant: text('the name of a tenant (text)'),
      node: text('the name of a node (text)'),
      interface: text('the name of a network interface (text)'),
      mac: text('a MAC address in quotes, such as "02:00:00:00:00:0a"'),
      addresses: some(text(ADDRESS), 'a list of one or more addresses'),
      prefixes: z.array(text(PREFIX), { error: 'a list of prefixes' }).optional(),
      ...optional(extra),
    },
    { error: 'a port: a map with name, tenant, node, interface, mac and addresses' },
  );

/** The entities that features may add keys to, with the keys of all features. */
export function entityStructures(extra: Readonly<Record<'node' | 'tenant' | 'subnet' | 'port', ExtraKeys>>) {
  return {
    node: new Structure(nodeSchema(extra.node)),
    tenant: new Structure(tenantSchema(extra.tenant, extra.subnet)),
    port: new Structure(portSchema(extra.port)),
  };
}

const VIA = `a list of 1 to ${MAX_VIA_SEGMENTS} SIDs`;

export const pathStructure = new Structure(
  z.strictObject(
    {
      to: text('the name of a node (text)'),
      via: some(text('a SID, an IPv6 address'), VIA).max(MAX_VIA_SEGMENTS, { error: VIA }),
      tenants: some(text('the name of a tenant (text)'), 'a list of one or more names of tenants').optional(),
    },
    { error: 'a path: a map with to and via' },
  ),
);

const NODE_NAME = 'the name of a node (text)';
const TENANT_NAME = 'the name of a tenant (text)';

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

const list = (what: string) => z.array(z.unknown(), { error: `a list of ${what}, [] for none` });

/** The file around its entities; they are checked one by one, so that a bad one hides nothing of the others. */
export const intentStructure = new Structure(
  z.strictObject(
    {
      version: z.literal(1, { error: '1, the version of this format' }),
      sidBlock: text('the SID block, an IPv6 prefix'),
      trusted: z.array(text('an IPv6 prefix of trusted nodes'), { error: 'a list of IPv6 prefixes' }).optional(),
      nodes: list('nodes'),
      tenants: list('tenants'),
      ports: list('ports'),
      paths: list('paths').optional(),
      gateways: list('gateways').optional(),
      externals: list('externals').optional(),
      policies: list('policies').optional(),
    },
    { error: 'a map with version, sidBlock, nodes, tenants and ports' },
  ),
);

/** Also what a table that cannot be is refused with. */
export const ANNOUNCE_TABLE = `main or a routing table's number from 1 to ${MAX_TABLE}, not local (255) nor a tenant's`;
const ANNOUNCE = { error: `none, or a map with table: ${ANNOUNCE_TABLE}` };
const announceTable = z.union([z.literal('main'), z.int().min(1).max(MAX_TABLE)]);

const PEM = 'the path of a PEM file (text)';
/** Also what an address that cannot be is refused with. */
export const LISTEN = 'an IP address with a port: 192.0.2.1:9443 or "[2001:db8::1]:9443"';

const INTERFACES = 'a list of one or more interface names';

const INTENT = 'the path of the intent file (text), or a map with feeds and tls';
const FEEDS = 'a list of one or more feeds, each host:port';

const feedsSchema = z.strictObject(
  {
    feeds: some(text('a feed, host:port'), FEEDS),
    tls: tlsSchema,
    cache: text('the path of the cache (text)').optional(),
  },
  { error: INTENT },
);

export const nodeFileStructure = new Structure(
  z.strictObject(
    {
      node: text(NAME),
      netns: text('the name of a network namespace (text)').optional(),
      uplinks: some(text('the name of a network interface (text)'), INTERFACES),
      dataplane: z.enum(['hybrid', 'kernel', 'ebpf'], { error: 'hybrid, kernel or ebpf' }).optional(),
      xdp: z.enum(['auto', 'always', 'never'], { error: 'auto, always or never' }).optional(),
      behaviours: behaviours.optional(),
      intent: z.union([text(INTENT), feedsSchema], { error: INTENT }),
      mtu: integer(MIN_IPV6_MTU_BYTES, MAX_MTU_BYTES, 'bytes, a whole number').optional(),
      inside: z
        .array(text('the name of a network interface (text)'), { error: 'a list of interface names, [] for none' })
        .optional(),
      sourceCheck: z.boolean({ error: 'true or false' }).optional(),
      announce: z
        .union([z.literal('none', ANNOUNCE), z.strictObject({ table: announceTable }, ANNOUNCE)], ANNOUNCE)
        .optional(),
      api: z
        .strictObject(
          {
            listen: text(LISTEN),
            tls: z.strictObject(
              { cert: text(PEM), key: text(PEM), clientCa: text(PEM) },
              { error: 'a map with cert, key and clientCa' },
            ),
            operators: z
              .array(text('a DNS name of a certificate (text)'), { error: 'a list of DNS names of certificates' })
              .optional(),
          },
          { error: 'a map with listen, tls and perhaps operators' },
        )
        .optional(),
    },
    { error: 'a map with node, uplinks and intent' },
  ),
);
