/** Schemas of the output of `segue show -j`. The compiler checks them against the types of the output. */
import { z } from 'zod';
import { PORT_FIELDS } from '../app/features.js';
import type { PortField, PortShown } from '../reconcile/observation.js';
import type { Counters } from '../cli/show/counters.js';
import type { Fastpath } from '../cli/show/fastpath.js';
import type { Gateways } from '../cli/show/gateway.js';
import type { Leases } from '../cli/show/lease.js';
import type { NexthopRecord } from '../cli/show/nexthop.js';
import type { PortRecord } from '../cli/show/port.js';
import type { RouteRecord } from '../cli/show/route.js';
import type { SidRecord } from '../cli/show/sid.js';
import type { VrfRecord } from '../cli/show/vrf.js';
import type { ConnectionRecord, FlowNodeRecord } from '../gateway/flow-records.js';
import type { PolicyRecord } from '../gateway/policy-records.js';

const text = z.string();
const maybeText = z.string().nullable();
const number = z.int();
const maybeNumber = z.int().nullable();
const texts = z.array(z.string());

export const vrfs = z.array(
  z.strictObject({
    name: maybeText.describe('The device; null where only the fast path forwards.'),
    tenant: text,
    table: maybeNumber,
    state: z.enum(['up', 'down', 'missing', 'fastpath']),
    ports: number.describe('Interfaces in it.'),
    routes4: number,
    routes6: number,
    sids: texts,
  }) satisfies z.ZodType<VrfRecord>,
);

export const sids = z.array(
  z.strictObject({
    sid: text,
    behaviour: text.describe('RFC 8986 section 4: End.DT46, …'),
    table: maybeNumber,
    vrf: maybeText,
    tenant: maybeText,
    protocol: text,
    state: z.enum(['present', 'missing']),
    packets: maybeNumber,
    bytes: maybeNumber,
    errors: maybeNumber,
  }) satisfies z.ZodType<SidRecord>,
);

export const routes = z.array(
  z.strictObject({
    tenant: text,
    vrf: maybeText,
    table: maybeNumber,
    prefix: text,
    type: text,
    via: maybeText,
    nexthopId: maybeNumber,
    segments: texts.describe('In travel order; the last is the SID that decapsulates.'),
    node: maybeText,
    device: maybeText,
    protocol: text,
    metric: maybeNumber,
    state: z.enum(['ok', 'linkdown', 'dead', 'unresolved']),
  }) satisfies z.ZodType<RouteRecord>,
);

export const nexthops = z.array(
  z.strictObject({
    id: number,
    family: z.enum(['inet', 'inet6']).nullable(),
    vrf: maybeText,
    tenant: maybeText,
    mode: maybeText,
    segments: texts,
    node: maybeText,
    routes: number,
  }) satisfies z.ZodType<NexthopRecord>,
);

/** Fields that features add to a port. */
const shownByFeatures = Object.fromEntries(
  Object.entries<PortField<unknown>>(PORT_FIELDS).map(([field, { schema }]) => [field, schema]),
) as { readonly [F in keyof PortShown]: z.ZodType<PortShown[F]> };

export const ports = z.array(
  z.strictObject({
    name: maybeText.describe('Of the intent; null: it has no such port.'),
    interface: text,
    tenant: text,
    vrf: maybeText,
    state: z.enum(['up', 'down', 'no-carrier', 'waiting', 'detached']),
    mac: maybeText.describe("The VM's."),
    addresses: texts,
    gatewayMac: maybeText,
    mtu: maybeNumber.describe('Bytes.'),
    ...shownByFeatures,
  }) satisfies z.ZodType<PortRecord>,
);

const reasonCounts = z.array(
  z.strictObject({
    verdict: z.enum(['forward', 'answer', 'punt', 'pass', 'drop']),
    reason: text,
    slug: text.describe('Stable name of the reason, for scripts.'),
    packets: number,
  }),
);

export const leases = z.strictObject({
  ports: z.array(
    z.strictObject({
      name: maybeText.describe('Of the intent; null: it has no such port.'),
      interface: text,
      tenant: text,
      ipv4: z
        .strictObject({
          address: text,
          prefixLength: number,
          server: text,
          lease: number.describe('Seconds.'),
          mtu: number.describe('Bytes.'),
          hostname: maybeText,
          domain: maybeText,
          dns: texts,
          boot: z.record(text, text).describe('Files by who asks: bios, uefi, ipxe, http.'),
        })
        .nullable()
        .describe('By DHCPv4; null: nothing.'),
      ipv6: z
        .strictObject({ addresses: texts, prefixes: texts, dns: texts })
        .nullable()
        .describe('By DHCPv6; null: nothing.'),
      ra: z
        .strictObject({ managed: z.boolean(), other: z.boolean(), mtu: number, autonomous: texts })
        .nullable()
        .describe('By router advertisements; null: there are none.'),
    }),
  ),
  requests: reasonCounts.nullable().describe('Of all ports of the node; null: nothing answers.'),
}) satisfies z.ZodType<Leases>;

const program = z.strictObject({ name: text, id: number, tag: text });
const linkState = z.enum(['up', 'down', 'no-carrier', 'missing']);

export const fastpath = z.strictObject({
  configured: text,
  running: z.enum(['none', 'kernel', 'hybrid', 'ebpf']),
  unreadable: maybeText,
  ports: maybeNumber,
  responder: z.boolean(),
  missing: maybeText,
  devices: z.array(
    z.strictObject({
      device: text,
      role: z.enum(['uplink', 'port', 'external']),
      state: linkState,
      tcx: program.nullable(),
      steering: program.nullable(),
      xdp: program.extend({ mode: z.enum(['none', 'native', 'generic', 'offload', 'multi']) }).nullable(),
      foreignTcx: z.array(number),
      foreignXdp: maybeNumber,
    }),
  ),
  maps: z.array(z.strictObject({ map: text, entries: number, size: number })),
  ways: z.array(
    z.strictObject({ to: text, hops: z.array(z.strictObject({ device: text, lladdr: text, mtu: number })) }),
  ),
}) satisfies z.ZodType<Fastpath>;

const device = z.strictObject({
  device: text,
  port: maybeText,
  tenant: text,
  rxPackets: number.describe('From the VM.'),
  rxBytes: number,
  rxDropped: number,
  rxErrors: number,
  txPackets: number,
  txBytes: number,
  txDropped: number,
  txErrors: number,
});
const traffic = { txPackets: number, txBytes: number, rxPackets: number, rxBytes: number };
const hits = { connections: number, packets: number, bytes: number };

export const counters = z.strictObject({
  ports: z.array(device),
  vrfs: z.array(device),
  sids: z.array(
    z.strictObject({
      sid: text,
      behaviour: text,
      tenant: maybeText,
      packets: maybeNumber,
      bytes: maybeNumber,
      errors: maybeNumber,
    }),
  ),
  guard: z.array(z.strictObject({ table: text, reason: text, packets: number, bytes: number })),
  fastpath: z
    .strictObject({
      ports: z.array(z.strictObject({ device: text, port: maybeText, ...traffic })),
      reasons: reasonCounts,
    })
    .nullable(),
  steering: z
    .strictObject({
      zones: z.array(z.strictObject({ zone: text, ...traffic })),
      policies: z.array(z.strictObject({ policy: text, ...hits })),
      pairs: z.array(z.strictObject({ from: text, to: text, halfOpen: number, established: number, refused: number })),
    })
    .nullable(),
}) satisfies z.ZodType<Counters>;

export const gateways = z.strictObject({
  node: text,
  roles: z.array(z.enum(['network-node', 'hypervisor'])),
  gateways: z.array(
    z.strictObject({
      gateway: text,
      tenants: texts,
      nodes: z.array(
        z.strictObject({
          node: text,
          self: z.boolean(),
          state: z.enum(['up', 'draining', 'down']),
          locator: text,
          source: text,
          share: z.number().nullable().describe('Share of new flows, 0 to 1.'),
          drainingShare: z.number().nullable(),
        }),
      ),
      externals: z.array(
        z.strictObject({
          external: text,
          prefix: text,
          interface: text,
          state: linkState.nullable(),
          active: maybeText,
        }),
      ),
    }),
  ),
}) satisfies z.ZodType<Gateways>;

const policyEnd = z.strictObject({ zone: text, prefixes: texts });

export const policies = z.array(
  z.strictObject({
    name: text,
    from: policyEnd,
    to: policyEnd,
    protocol: maybeText,
    ports: texts.nullable(),
    action: z.enum(['allow', 'deny']),
    log: z.boolean(),
    priority: maybeNumber,
    state: z.enum(['in-force', 'overridden', 'outdated', 'missing', 'unplanned', 'elsewhere']),
    connections: maybeNumber,
    packets: maybeNumber,
    bytes: maybeNumber,
  }) satisfies z.ZodType<PolicyRecord>,
);

const ends = {
  protocol: text,
  source: text,
  destination: text,
  sourcePort: maybeNumber,
  destinationPort: maybeNumber,
  id: maybeNumber,
};
const count = z.strictObject({ matched: number, shown: number });

export const flows = z.strictObject({
  connections: z.array(
    z.strictObject({
      from: text,
      to: text,
      ...ends,
      state: z.enum([
        ...(['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'TIME_WAIT', 'CLOSE'] as const),
        ...(['UNREPLIED', 'SEEN_REPLY', 'FRAGMENTS', 'RELAYED'] as const),
      ]),
      ageSeconds: number,
      idleSeconds: number,
      timeoutSeconds: number,
      policy: maybeText,
    }) satisfies z.ZodType<ConnectionRecord>,
  ),
  flowNodes: z.array(
    z.strictObject({
      tenant: text,
      ...ends,
      node: text,
      idleSeconds: number,
      timeoutSeconds: maybeNumber,
    }) satisfies z.ZodType<FlowNodeRecord>,
  ),
  counts: z.strictObject({ connections: count, flowNodes: count }),
});
