/** Random intents that are valid by construction, as a file may write them. */
import fc from 'fast-check';

interface RawIntent {
  version: 1;
  sidBlock: string;
  nodes: {
    name: string;
    locator: string;
    source?: string;
    behaviours?: readonly string[];
    drain?: boolean;
    acceptedSources?: string[];
  }[];
  tenants: {
    name: string;
    id: number;
    subnets: { prefix: string; gateway: string }[];
    dscp?: string | number;
    mtu?: number;
  }[];
  ports: {
    name: string;
    tenant: string;
    node: string;
    interface: string;
    mac: string;
    addresses: string[];
    prefixes?: string[];
    xdp?: boolean;
  }[];
  paths?: { to: string; via: string[]; tenants?: string[] }[];
  gateways?: { name: string; nodes: string[]; tenants: string[] }[];
  externals?: { name: string; gateway: string; interface: string; prefixes: string[] }[];
  policies?: RawPolicy[];
}

interface RawEnd {
  tenant?: string;
  external?: string;
  prefixes?: string[];
}

interface RawPolicy {
  name: string;
  from: RawEnd;
  to: RawEnd;
  protocol: string;
  ports?: (number | string)[];
  action: string;
  log?: boolean;
  priority?: number;
}

const NODES = 4;
const TENANTS = 3;

/** IPv6 text in one of the forms RFC 4291 allows; `groups` are the first and the last ones, zeros between. */
function ipv6(first: number[], last: number[], form: number): string {
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0);
  const digits = (group: number): string => {
    const text = group.toString(16).padStart(form % 2 === 0 ? 1 : 4, '0');
    return form % 3 === 0 ? text : text.toUpperCase();
  };
  if (form < 3) return [...first, ...zeros, ...last].map(digits).join(':');
  return `${first.map(digits).join(':')}::${last.map(digits).join(':')}`;
}

const form = fc.nat({ max: 5 });
const nodeName = (i: number): string => `hv${i}`;
const tenantName = (i: number): string => ['red', 'blue', 'green'][i] ?? `t${i}`;

const node = (i: number) =>
  fc.record(
    {
      name: fc.constant(nodeName(i)),
      locator: form.map((f) => `${ipv6([0xfd00, 0x5e, i + 1], [], f)}/48`),
      source: form.map((f) => ipv6([0x2001, 0xdb8], [i + 1], f)),
      behaviours: fc.constantFrom(['dt46'], ['dt4', 'dt6'], ['dt6', 'dt4']),
      drain: fc.boolean(),
      acceptedSources: form.map((f) => [ipv6([0x2001, 0xdb8, 1], [i + 1], f)]),
    },
    { requiredKeys: ['name', 'locator'] },
  );

const tenant = (i: number) =>
  fc.record(
    {
      name: fc.constant(tenantName(i)),
      id: fc.nat({ max: 1000 }).map((n) => 1 + i + n * TENANTS),
      subnets: form.map((f) => [
        { prefix: '10.0.0.0/16', gateway: '10.0.0.1' },
        { prefix: `${ipv6([0xfd00, 0x10], [], f)}/64`, gateway: ipv6([0xfd00, 0x10], [1], f) },
      ]),
      dscp: fc.oneof(fc.constantFrom('copy', 'zero'), fc.nat({ max: 63 })),
      mtu: fc.integer({ min: 1280, max: 9000 }),
    },
    { requiredKeys: ['name', 'id', 'subnets'] },
  );

/** Port number i has addresses made of i, so no two clash. */
const port = (i: number) =>
  fc
    .record(
      {
        name: fc.constant(`p${i}`),
        tenant: fc.nat({ max: TENANTS - 1 }).map(tenantName),
        node: fc.nat({ max: NODES - 1 }).map(nodeName),
        interface: fc.constantFrom(`tap${i}`, `vnet${i}`),
        mac: fc
          .nat({ max: 255 })
          .map((x) => `02:00:00:${x.toString(16).padStart(2, '0')}:ab:${i.toString(16).padStart(2, '0')}`)
          .chain((mac) => fc.constantFrom(mac, mac.toUpperCase())),
        addresses: fc.tuple(form, fc.constantFrom(0, 1, 2)).map(([f, which]) => {
          const both = [`10.0.1.${i + 1}`, ipv6([0xfd00, 0x10], [0x100 + i], f)];
          return which === 2 ? both : both.slice(which, which + 1);
        }),
        prefixes: form.map((f) => [`172.16.${i}.0/24`, `${ipv6([0xfd00, 0x20, i], [], f)}/48`]),
        xdp: fc.boolean(),
      },
      { requiredKeys: ['name', 'tenant', 'node', 'interface', 'mac', 'addresses'] },
    )
    .map((raw) => {
      // A prefix is routed to an address of its family.
      const v6 = raw.addresses.some((address) => address.includes(':'));
      const v4 = raw.addresses.some((address) => !address.includes(':'));
      const prefixes = raw.prefixes?.filter((prefix) => (prefix.includes(':') ? v6 : v4));
      return prefixes === undefined ? raw : { ...raw, prefixes };
    });

const path = (to: number) =>
  fc.record(
    {
      to: fc.constant(nodeName(to)),
      via: fc.array(
        fc.tuple(fc.integer({ min: 1, max: 0xff }), form).map(([n, f]) => ipv6([0xfd00, 0x5e, 0x100 + n, 1], [], f)),
        { minLength: 1, maxLength: 3 },
      ),
      tenants: fc.shuffledSubarray(
        Array.from({ length: TENANTS }, (_, i) => tenantName(i)),
        { minLength: 1 },
      ),
    },
    { requiredKeys: ['to', 'via'] },
  );

const tenantNames = Array.from({ length: TENANTS }, (_, i) => tenantName(i));

const steered = fc.record({
  gateways: fc
    .shuffledSubarray(
      Array.from({ length: NODES }, (_, i) => nodeName(i)),
      { minLength: 1 },
    )
    .map((nodes) => [{ name: 'gw', nodes, tenants: tenantNames }]),
  externals: form.map((f) => [
    { name: 'dc', gateway: 'gw', interface: 'eth9', prefixes: ['0.0.0.0/0', `${ipv6([0x2001, 0xdb8], [], f)}/32`] },
  ]),
  // All tenants have the same addresses here: only one of them can be told by these in the external network.
  policies: fc
    .tuple(fc.constantFrom(...tenantNames), fc.array(fc.nat({ max: 9 }), { maxLength: 4 }))
    .chain(([tenant, names]) =>
      fc.tuple(...[...new Set(names)].map((name) => policy(`policy${name}`, { tenant }, { external: 'dc' }))),
    ),
});

function policy(name: string, inside: RawEnd, outside: RawEnd): fc.Arbitrary<RawPolicy> {
  const port = fc.nat({ max: 65535 });
  const range = fc.oneof(
    port,
    fc.tuple(port, port).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );
  const prefixed = fc.constantFrom(inside, { ...inside, prefixes: ['10.0.1.0/24', 'fd00:10:0::/64'] });
  return fc
    .record(
      {
        protocol: fc.constantFrom('tcp', 'udp', 'icmp', 'any'),
        ports: fc.array(range, { minLength: 1, maxLength: 5 }),
        action: fc.constantFrom('allow', 'deny'),
        log: fc.boolean(),
        priority: fc.nat({ max: 3 }),
        inside: prefixed,
        isOutgoing: fc.boolean(),
      },
      { requiredKeys: ['protocol', 'action', 'inside', 'isOutgoing'] },
    )
    .map(({ inside: end, isOutgoing, ports, ...rest }) => ({
      name,
      from: isOutgoing ? end : outside,
      to: isOutgoing ? outside : end,
      ...rest,
      ...(ports && (rest.protocol === 'tcp' || rest.protocol === 'udp') && { ports }),
    }));
}

const some = <T>(count: number, one: (i: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc
    .shuffledSubarray(Array.from({ length: count }, (_, i) => i))
    .chain((chosen) => (chosen.length === 0 ? fc.constant([]) : fc.tuple(...chosen.map(one))));

const all = <T>(count: number, one: (i: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.tuple(...Array.from({ length: count }, (_, i) => one(i)));

/** A valid intent as JSON.parse or YAML would give it; all share nodes, tenants and names, so that any two differ a little. */
export const rawIntent: fc.Arbitrary<RawIntent> = fc
  .tuple(
    fc.option(steered, { nil: undefined }),
    fc.record(
      {
        version: fc.constant(1 as const),
        sidBlock: form.map((f) => `${ipv6([0xfd00, 0x5e], [], f)}/32`),
        nodes: all(NODES, node),
        tenants: all(TENANTS, tenant),
        ports: some(12, port),
        paths: some(NODES, path),
      },
      { requiredKeys: ['version', 'sidBlock', 'nodes', 'tenants', 'ports'] },
    ),
  )
  .map(([steering, intent]) => ({ ...intent, ...steering }));
