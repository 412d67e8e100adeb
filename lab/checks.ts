/** Checks of the demonstration, in the order of its report. */
import { join } from 'node:path';
import { Capture } from './capture.js';
import { mapConcurrently } from './concurrent.js';
import { IdentityServer, whoIs } from './identity.js';
import { ping, SILENCE_TIMEOUT_S } from './ping.js';
import { find, netnsOf } from './topology.js';
import type { CapturedPacket } from './capture.js';
import type { Demo, DemoVm } from './demo.js';
import type { ReportedNode } from './fleet.js';
import type { Check } from './report.js';

/** Concurrent programs, which mostly wait. */
const CONCURRENCY = 8;
const REACH_COUNT = 3;

type Family = 'v4' | 'v6';
const FAMILIES: readonly Family[] = ['v4', 'v6'];

/** Each VM pings the other VM of its tenant, and its gateway. */
export async function checkReach(demo: Demo): Promise<Check[]> {
  const pairs = demo.vms.flatMap((from) => {
    const { subnets } = find(demo.tenants, from.tenant);
    const partner = partnerOf(demo, from);
    return [
      ...FAMILIES.map((family) => ({ from, to: partner.name, address: partner.shared[family] })),
      // In ebpf mode no interface has the gateway's address.
      ...(find(demo.nodes, from.node).dataplane === 'ebpf'
        ? []
        : subnets.map(({ gateway }) => ({ from, to: 'gateway', address: gateway }))),
    ];
  });
  return mapConcurrently(pairs, CONCURRENCY, async ({ from, to, address }) => {
    const result = await ping(netnsOf(demo, from.name), address, { count: REACH_COUNT });
    const fastest = result.rttMs.length === 0 ? '' : `, ${Math.min(...result.rttMs).toFixed(2)} ms`;
    return {
      group: 'reach',
      from: from.name,
      to,
      what: `ping ${address}`,
      expected: `${REACH_COUNT} of ${REACH_COUNT} answered`,
      seen: `${result.received} of ${result.sent} answered${fastest}`,
      ok: result.sent === REACH_COUNT && result.received === REACH_COUNT,
    };
  });
}

/** Each VM answers with its name. A connection to the shared address must reach the own tenant's VM, and no other. */
export async function checkIdentity(demo: Demo): Promise<Check[]> {
  const servers = new Map(demo.vms.map(({ name }) => [name, new IdentityServer(netnsOf(demo, name), name)]));
  try {
    const questions = demo.vms.flatMap((from) => FAMILIES.map((family) => ({ from, family })));
    const answers = await mapConcurrently(questions, CONCURRENCY, async ({ from, family }): Promise<Check> => {
      const partner = partnerOf(demo, from);
      const answer = await whoIs(netnsOf(demo, from.name), partner.shared[family]);
      return {
        group: 'identity',
        from: from.name,
        to: partner.name,
        what: `who is ${partner.shared[family]}`,
        expected: partner.name,
        seen: answer ?? 'no answer',
        ok: answer === partner.name,
      };
    });
    const counts = demo.vms.map(({ name }): Check => {
      const connections = servers.get(name)?.connections ?? 0;
      return {
        group: 'identity',
        from: '',
        to: name,
        what: 'connections in all',
        expected: String(FAMILIES.length),
        seen: String(connections),
        ok: connections === FAMILIES.length,
      };
    });
    return [...answers, ...counts];
  } finally {
    await Promise.all([...servers.values()].map((server) => server.close()));
  }
}

/**
 * Each VM pings both VMs of the other tenant at addresses that only they have, from an address that only it has, while all VMs' interfaces are
 * captured. The same pings inside the tenant show that the capture works.
 */
export async function checkIsolation(demo: Demo, directory: string): Promise<Check[]> {
  const captures = await Promise.all(
    demo.vms.map(async ({ name }) => {
      const file = join(directory, `${name}.pcap`);
      return [name, await Capture.start(netnsOf(demo, name), 'eth0', file, 'icmp or icmp6')] as const;
    }),
  );
  const checks: Check[] = [];
  const seen = new Map<string, CapturedPacket[]>();
  try {
    const pairs = demo.vms.flatMap((from) =>
      demo.vms
        .filter((to) => to.tenant !== from.tenant || to === partnerOf(demo, from))
        .flatMap((to) => FAMILIES.map((family) => ({ from, to, family }))),
    );
    checks.push(...(await mapConcurrently(pairs, CONCURRENCY, (pair) => crossPing(demo, pair))));
  } finally {
    for (const [name, capture] of captures) seen.set(name, await capture.stop());
  }
  return [...checks, ...demo.vms.map((vm) => silence(demo, vm, seen.get(vm.name) ?? []))];
}

async function crossPing(
  demo: Demo,
  { from, to, family }: { from: DemoVm; to: DemoVm; family: Family },
): Promise<Check> {
  const address = to.own[family];
  const inside = from.tenant === to.tenant;
  const result = await ping(netnsOf(demo, from.name), address, {
    source: from.own[family],
    ...(!inside && { timeoutS: SILENCE_TIMEOUT_S }),
  });
  const errors = result.errors[0]?.replace(/ icmp_seq=\d+/, '');
  return {
    group: 'isolation',
    from: from.name,
    to: to.name,
    what: `ping ${address}${inside ? ' (own tenant, for comparison)' : ''}`,
    expected: inside ? 'answered' : 'no answer',
    seen: result.received > 0 ? 'answered' : `no answer${errors === undefined ? '' : ` (${errors})`}`,
    // Nothing is proved unless something was sent.
    ok: result.sent > 0 && result.received === (inside ? result.sent : 0),
  };
}

/** Packets that a VM received: some from its own tenant, and none from the other. */
function silence(demo: Demo, vm: DemoVm, packets: readonly CapturedPacket[]): Check {
  const from = (tenantIsOwn: boolean): number => {
    const sources = demo.vms
      .filter((other) => other !== vm && (other.tenant === vm.tenant) === tenantIsOwn)
      .flatMap(({ own }) => [own.v4, own.v6]);
    return packets.filter(({ headers }) =>
      headers.some((header) => 'source' in header && sources.includes(header.source)),
    ).length;
  };
  const own = from(true);
  const other = from(false);
  return {
    group: 'silence',
    from: 'others',
    to: vm.name,
    what: 'packets captured on eth0',
    expected: 'some from its tenant, 0 from the other',
    seen: `${own} from its tenant, ${other} from the other`,
    ok: own > 0 && other === 0,
  };
}

/** The other VM of the tenant. */
export function partnerOf(demo: Demo, vm: DemoVm): DemoVm {
  const partner = demo.vms.find((other) => other.tenant === vm.tenant && other !== vm);
  if (partner === undefined) throw new RangeError(`${vm.name} has no partner`);
  return partner;
}

/** Whether each node has applied its part of the intent in etcd. */
export function checkReports(nodes: readonly ReportedNode[]): Check[] {
  return nodes.map(({ name, state, why, applied }) => ({
    ...{ group: 'fleet', from: 'etcd', to: name, what: 'applied', expected: 'ok' },
    ...{ seen: state === 'ok' ? `sequence ${applied ?? 0}` : `${state}: ${why}`, ok: state === 'ok' },
  }));
}
