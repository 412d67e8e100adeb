/** Underlay interfaces: there, up, and large enough for the tenants' packets. */
import { OUTER_HEADER_BYTES, reducedSrhBytes } from '../encap/mtu.js';
import { attachments } from '../inspect/fastpath.js';
import { probe, queryTcx } from '../libbpf/index.js';
import { IntentView } from '../plan/view.js';
import { readFacts } from '../agent/facts.js';
import { Findings } from './types.js';
import type { Check, Patient } from './types.js';

/** What VMs take for granted, bytes. */
const ETHERNET_MTU = 1500;
/** IPv6's least link MTU (RFC 8200 section 5). */
const IPV6_MINIMUM_MTU = 1280;

export function checkUplinks({ instance, intent }: Patient): Check[] {
  const { kernel, config } = instance;
  const findings = new Findings('uplink');
  const mtus: number[] = [];
  for (const name of config.uplinks) {
    const link = kernel.links.get(name);
    const why = 'encapsulated packets have no way out: ';
    if (link === undefined) {
      findings.fail(`present.${name}`, `${name} does not exist`, `${why}see "uplinks" of the node file`);
      continue;
    }
    mtus.push(link.mtu);
    if (!link.up) findings.fail(`up.${name}`, `${name} is down`, `${why}ip link set ${name} up`);
    else if (link.carrier === false)
      findings.fail(`up.${name}`, `${name} has no carrier`, `${why}see the cable, or the far end`);
    else findings.ok(`up.${name}`, `${name} up, mtu ${link.mtu}`);
  }
  checkForeignPrograms({ instance, intent }, findings);
  if (mtus.length > 0) checkTenantMtu({ instance, intent }, Math.min(...mtus), findings);
  return findings.checks;
}

/** Somebody else's programs see packets before the fast path's do, or in their place. */
function checkForeignPrograms({ instance, intent }: Pick<Patient, 'instance' | 'intent'>, findings: Findings): void {
  const { kernel, config } = instance;
  if (config.dataplane === 'kernel' || !probe.has('tcx')) return;
  const ports = intent?.ports.filter(({ node }) => node === config.node).map((port) => port.interface) ?? [];
  const own = new Map(attachments(kernel).map(({ device, hook, program }) => [`${device} ${hook}`, program.id]));
  const all = new Set(own.values());
  for (const device of [...config.uplinks, ...ports]) {
    const link = kernel.links.get(device);
    if (link === undefined) continue;
    const xdp = link.xdp?.programId;
    if (xdp !== undefined && !all.has(xdp)) {
      findings.warn(
        `foreign-xdp.${device}`,
        `xdp program id ${xdp} of ${device} is not segue's`,
        'what it drops or redirects never comes to the fast path, and segue has no XDP of its own there: see bpftool prog show',
      );
    }
    const where = { interface: link.index, ...(kernel.netns !== undefined && { netns: kernel.netns }) };
    const row = queryTcx({ ...where, direction: 'ingress' }).programs.map(({ programId }) => programId);
    const first = own.get(`${device} tcx-first`) ?? own.get(`${device} tcx`) ?? 0;
    const before = row.slice(0, Math.max(0, row.indexOf(first)));
    if (before.length > 0) {
      findings.warn(
        `foreign-tcx.${device}`,
        `tcx programs before segue's at ${device}: id ${before.join(', ')}`,
        'what they take (anything but TCX_NEXT) passes by the fast path and its guard: see bpftool net show',
      );
    }
  }
}

function checkTenantMtu(
  { instance, intent }: Pick<Patient, 'instance' | 'intent'>,
  uplinkMtu: number,
  findings: Findings,
): void {
  const { kernel, config } = instance;
  if (config.mtu !== undefined && config.mtu > uplinkMtu) {
    findings.fail(
      'mtu-configured',
      `the node file says mtu ${config.mtu}, the smallest uplink has ${uplinkMtu}`,
      'packets between the two sizes vanish without an ICMP error: lower the one or raise the other',
    );
  }
  const tenants = new Map<string, number>();
  if (intent !== undefined) {
    const view = new IntentView(config, readFacts(kernel, config, intent), intent);
    for (const tenant of intent.tenants) tenants.set(tenant.name, view.tenantMtu(tenant));
  }
  const plain = (config.mtu ?? uplinkMtu) - OUTER_HEADER_BYTES - reducedSrhBytes(1);
  const smallest = Math.min(plain, ...tenants.values());
  const who = [...tenants].find(([, mtu]) => mtu === smallest && mtu < plain)?.[0];
  const what = `tenant MTU ${smallest}${who === undefined ? '' : ` (${who})`}`;
  if (smallest < IPV6_MINIMUM_MTU) {
    findings.fail(
      'tenant-mtu',
      `${what} < ${IPV6_MINIMUM_MTU}`,
      `IPv6 does not work below it: raise the uplinks to ${uplinkMtu + IPV6_MINIMUM_MTU - smallest} or more`,
    );
  } else if (smallest < ETHERNET_MTU) {
    findings.warn(
      'tenant-mtu',
      `${what} < ${ETHERNET_MTU}`,
      `VMs that send more lose it without an ICMP error (TCP is clamped): give them this MTU, or raise the uplinks to ${uplinkMtu + ETHERNET_MTU - smallest}`,
    );
  } else findings.ok('tenant-mtu', what);
}
