/**
 * The only definition of the files' structure: keys, which of them are optional, and their types. A message is the end of the sentence "expected
 * …". check/ interprets texts (addresses, names) and checks relations between entities; refinements of fields here would cost more than all of that
 * for 100,000 ports.
 */
import { z } from 'zod';
import { integer, NAME, NODE_NAME, PREFIX, some, TENANT_NAME, text } from './schema-values.js';
import { Structure } from './structure.js';
import { tlsSchema } from '../fleet/tls-files.js';
import {
  MAX_DSCP,
  MAX_HOP_LIMIT,
  MAX_METADATA_RATE,
  MAX_DNS_RATE,
  MAX_PORT_NUMBER,
  MAX_MTU_BYTES,
  MAX_TABLE,
  MAX_TENANT_ID,
  MIN_IPV6_MTU_BYTES,
  MIN_TENANT_MTU_BYTES,
} from './bounds.js';

const ADDRESS = 'an IPv4 or IPv6 address';

/** Also the expectation for wrong combinations. */
export const BEHAVIOURS = '[dt46] or [dt4, dt6]';
const behaviours = some(z.enum(['dt46', 'dt4', 'dt6'], { error: 'dt46, dt4 or dt6' }), BEHAVIOURS);

/** Schemas of features' keys, which files may omit. */
export type ExtraKeys = Readonly<Record<string, z.ZodType>>;

/** Typed as having no keys: only features read theirs. */
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
// A union reports its own message or that of its closest member; both are the same here.
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
      tenant: text(TENANT_NAME),
      node: text(NODE_NAME),
      interface: text('the name of a network interface (text)'),
      mac: text('a MAC address in quotes, such as "02:00:00:00:00:0a"'),
      addresses: some(text(ADDRESS), 'a list of one or more addresses'),
      prefixes: z.array(text(PREFIX), { error: 'a list of prefixes' }).optional(),
      ...optional(extra),
    },
    { error: 'a port: a map with name, tenant, node, interface, mac and addresses' },
  );

/** The entities to which features may add keys, with the keys of all features. */
export function entityStructures(extra: Readonly<Record<'node' | 'tenant' | 'subnet' | 'port', ExtraKeys>>) {
  return {
    node: new Structure(nodeSchema(extra.node)),
    tenant: new Structure(tenantSchema(extra.tenant, extra.subnet)),
    port: new Structure(portSchema(extra.port)),
  };
}

const list = (what: string) => z.array(z.unknown(), { error: `a list of ${what}, [] for none` });

/**
 * The file without its entities, which are checked one by one, so that an invalid one does not hide errors of others.
 *
 * @param lists keys of features' lists, which files may omit
 */
export function fileStructure(lists: readonly string[]) {
  return new Structure(
    z.strictObject(
      {
        version: z.literal(1, { error: '1, the version of this format' }),
        sidBlock: text('the SID block, an IPv6 prefix'),
        trusted: z.array(text('an IPv6 prefix of trusted nodes'), { error: 'a list of IPv6 prefixes' }).optional(),
        nodes: list('nodes'),
        tenants: list('tenants'),
        ports: list('ports'),
        ...optional(Object.fromEntries(lists.map((key) => [key, list(key)]))),
      },
      { error: 'a map with version, sidBlock, nodes, tenants and ports' },
    ),
  );
}

/** Also the expectation for invalid tables. */
export const ANNOUNCE_TABLE = `main or a routing table's number from 1 to ${MAX_TABLE}, not local (255) nor a tenant's`;
const ANNOUNCE = { error: `none, or a map with table: ${ANNOUNCE_TABLE}` };
const announceTable = z.union([z.literal('main'), z.int().min(1).max(MAX_TABLE)]);

const PEM = 'the path of a PEM file (text)';
/** Also the expectation for invalid addresses. */
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

/** Also the expectation for invalid prefixes. */
export const SERVICE_PREFIX = 'an IPv6 /32 within fd00::/8 that is used nowhere else';

const metadataSchema = z.strictObject(
  {
    files: z.literal(true, { error: 'true' }).optional(),
    upstream: text('the URL of the metadata service (text)').optional(),
    secret: text('the path of a file with the secret that the service shares (text)').optional(),
    rate: integer(1, MAX_METADATA_RATE, 'requests a second of a port, a whole number').optional(),
    hopLimit: integer(1, MAX_HOP_LIMIT, 'a hop limit, a whole number').optional(),
  },
  { error: 'a map with files: true, or with upstream and secret' },
);

const dnsSchema = z.strictObject(
  {
    resolver: text('the address of a resolver (text)'),
    port: integer(1, MAX_PORT_NUMBER, 'a port, a whole number').optional(),
    rate: integer(1, MAX_DNS_RATE, 'queries a second of a port, a whole number').optional(),
  },
  { error: 'a map with resolver' },
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
      metadata: metadataSchema.optional(),
      dns: dnsSchema.optional(),
      servicePrefix: text(SERVICE_PREFIX).optional(),
    },
    { error: 'a map with node, uplinks and intent' },
  ),
);
