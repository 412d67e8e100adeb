/** Checks underlay interfaces: present, up, and with an MTU for the tenants' packets. */
import { OUTER_HEADER_BYTES, reducedSrhBytes } from '../../encap/mtu.js';
import { hiddenTags } from '../../ebpf/feature-resource.js';
import { vlanParents } from '../../ebpf/port-resource.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { attachments } from '../../ebpf/attachments.js';
import { queryTcx } from 'libbpf-ts';
import { deviceFeatures, type Link } from 'netlink-ts';
import { readFacts } from '../../agent/facts.js';
import { viewOf } from '../../app/planning.js';
import { tenantMtu } from '../../encap/paths.js';
import { listed } from '../../reconcile/findings.js';
import { Findings } from './types.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Check, CheckContext } from './types.js';

/** Default MTU of VMs in bytes. */
const ETHERNET_MTU = 1500;
/** Minimum MTU of an IPv6 link (RFC 8200 section 5). */
const IPV6_MINIMUM_MTU = 1280;

export function checkUplinks({ instance, intent, unreadable }: CheckContext): Check[] {
  const { kernel, config } = instance;
  const findings = new Findings('uplink');
  const mtus: number[] = [];
  for (const name of config.uplinks) {
    const link = kernel.links.get(name);
    const why = 'encapsulated packets cannot leave: ';
    if (link === undefined) {
      findings.fail(`present.${name}`, `${name} does not exist`, `${why}check "uplinks" of the node file`);
      continue;
    }
    mtus.push(link.mtu);
    if (!link.up) findings.fail(`up.${name}`, `${name} is down`, `${why}ip link set ${name} up`);
    else if (link.carrier === false)
      findings.fail(`up.${name}`, `${name} has no carrier`, `${why}check the cable and the far end`);
    else findings.ok(`up.${name}`, `${name} up, mtu ${link.mtu}`);
    checkBridge(kernel, link, config.uplinks, findings);
  }
  if (unreadable === undefined) {
    checkForeignPrograms({ instance, intent }, findings);
    checkTags({ instance, intent }, findings);
    checkXdp({ instance, intent }, findings);
  }
  if (mtus.length > 0) checkTenantMtu({ instance, intent }, Math.min(...mtus), findings);
  return findings.checks;
}

/**
 * Other ports of an uplink's bridge belong to the underlay: they may send to SIDs with another node's source, and get encapsulated packets that the
 * bridge floods.
 */
function checkBridge(kernel: Kernel, uplink: Link, uplinks: readonly string[], findings: Findings): void {
  const links = [...kernel.links.all()];
  if (uplink.kind === 'vlan' && uplink.linkNetnsId === undefined) {
    const lower = links.find(({ index }) => index === uplink.linkIndex);
    if (lower !== undefined) checkBridge(kernel, lower, uplinks, findings);
  }
  const master = links.find(({ index }) => index === uplink.master);
  const bridge = uplink.kind === 'bridge' ? uplink : master?.kind === 'bridge' ? master : undefined;
  if (bridge === undefined) return;
  const members = links
    .filter((link) => link.master === bridge.index && !uplinks.includes(link.name))
    .map(({ name }) => name);
  // The bridge's own uplink is one of its members.
  const others = bridge === uplink ? members.length - 1 : members.length;
  const name = `bridge.${uplink.name}`;
  if (others <= 0) findings.ok(name, `${bridge.name} is a bridge whose only member is the physical interface`);
  else {
    findings.fail(
      name,
      `${uplink.name} ${bridge === uplink ? 'is a bridge' : `is a member of bridge ${bridge.name}`} with ${listed(members.sort())}`,
      'every interface in the bridge is underlay: a VM there reaches every tenant and sees their packets. Make the physical interface ' +
        'the uplink and take it out of the bridge, or move the others to a bridge of their own',
    );
  }
}

/** Checks `xdp: always` with a driver that lacks native XDP: tcx then forwards. */
function checkXdp({ instance }: Pick<CheckContext, 'instance' | 'intent'>, findings: Findings): void {
  const { kernel, config } = instance;
  if (config.xdp !== 'always' || config.dataplane === 'kernel') return;
  const all = attachments(kernel);
  for (const device of config.uplinks) {
    const link = kernel.links.get(device);
    const hasTcx = all.some((one) => one.device === device && one.hook !== 'xdp');
    if (!hasTcx || link === undefined || link.xdp !== undefined) continue;
    findings.warn(
      `xdp-none.${device}`,
      `xdp: always, but no XDP at ${device}${link.kind === undefined ? '' : `, a ${link.kind} device`}: it has no native XDP`,
      'tcx forwards arriving packets; generic XDP is not attached, as tcx cannot read the frames that it passes on. Make a device with native XDP ' +
        'the uplink, or set xdp: auto',
    );
  }
}

/** Checks programs of others that run before the fast path's, or replace them. */
function checkForeignPrograms(
  { instance, intent }: Pick<CheckContext, 'instance' | 'intent'>,
  findings: Findings,
): void {
  const { kernel, config } = instance;
  if (config.dataplane === 'kernel' || missingForFastpath(kernel.fastpath.pinDirectory) !== undefined) return;
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
        'packets that it drops or redirects never reach the fast path, and segue has no XDP of its own there: see bpftool prog show',
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
        'packets that they take (any verdict but TCX_NEXT) bypass the fast path and its guard: see bpftool net show',
      );
    }
  }
}

/** Checks VLAN tags: XDP sees only tags inside the frame; a VLAN device on a port accepts frames that are otherwise dropped. */
function checkTags({ instance, intent }: Pick<CheckContext, 'instance' | 'intent'>, findings: Findings): void {
  const { kernel, config } = instance;
  const parents = vlanParents(kernel);
  for (const { device, hook } of attachments(kernel)) {
    const link = kernel.links.get(device);
    if (hook !== 'xdp' || link === undefined) continue;
    const { active } = hiddenTags(kernel, link.index);
    if (active.length > 0)
      findings.fail(
        `vlan-offload.${device}`,
        `${active.join(', ')} of ${device} on, although XDP is attached`,
        `XDP takes VLAN frames for untagged ones: ethtool -K ${device} ${active.map((name) => `${name} off`).join(' ')}, or segue apply`,
      );
    else findings.ok(`vlan-offload.${device}`, `${device}: XDP sees VLAN tags`);
    const inFrames = peerTagsInFrames(kernel, link);
    if (link.kind === 'veth' && inFrames !== true)
      findings.warn(
        `xdp-veth.${device}`,
        `XDP at ${device}, a veth${inFrames === false ? ' whose other end keeps VLAN tags outside its frames' : ', whose other end is in another namespace'}`,
        `XDP does not see tags outside frames: ethtool -K <other end> txvlan off tx-vlan-stag-hw-insert off, or xdp: auto`,
      );
  }
  for (const port of intent?.ports.filter(({ node }) => node === config.node) ?? []) {
    const link = kernel.links.get(port.interface);
    if (link === undefined || !parents.has(link.index)) continue;
    const devices = [...kernel.links.all()].filter(
      ({ kind, linkIndex }) => kind === 'vlan' && linkIndex === link.index,
    );
    const names = devices.map(({ name }) => name).join(', ');
    findings.warn(
      `vlan-on-port.${port.interface}`,
      `${names} on port ${port.name}: frames with a VLAN tag pass to the host`,
      `if that is not intended: ip link del ${devices[0]?.name ?? ''}`,
    );
  }
}

/** Whether a veth's peer inserts tags into its frames; undefined if it is in another namespace, or unknown. */
function peerTagsInFrames(kernel: Kernel, { linkIndex, linkNetnsId }: Link): boolean | undefined {
  if (linkIndex === undefined || linkNetnsId !== undefined) return undefined;
  const features = deviceFeatures(kernel.generic, linkIndex);
  if (features === undefined) return undefined;
  return !['tx-vlan-hw-insert', 'tx-vlan-stag-hw-insert'].some((name) => features.active.has(name));
}

function checkTenantMtu(
  { instance, intent }: Pick<CheckContext, 'instance' | 'intent'>,
  uplinkMtu: number,
  findings: Findings,
): void {
  const { kernel, config } = instance;
  if (config.mtu !== undefined && config.mtu > uplinkMtu) {
    findings.fail(
      'mtu-configured',
      `the node file says mtu ${config.mtu}, the smallest uplink has ${uplinkMtu}`,
      'packets between the two sizes are lost without an ICMP error: lower mtu, or raise that of the uplink',
    );
  }
  const tenants = new Map<string, number>();
  if (intent !== undefined) {
    const view = viewOf(config, readFacts(kernel, config, intent), intent);
    for (const tenant of intent.tenants) tenants.set(tenant.name, tenantMtu(view, tenant));
  }
  const plain = (config.mtu ?? uplinkMtu) - OUTER_HEADER_BYTES - reducedSrhBytes(1);
  const smallest = Math.min(plain, ...tenants.values());
  const who = [...tenants].find(([, mtu]) => mtu === smallest && mtu < plain)?.[0];
  const answers = config.dataplane !== 'kernel' && missingForFastpath(kernel.fastpath.pinDirectory) === undefined;
  const what = `tenant MTU ${smallest}${who === undefined ? '' : ` (${who})`}`;
  if (smallest < IPV6_MINIMUM_MTU) {
    findings.fail(
      'tenant-mtu',
      `${what} < ${IPV6_MINIMUM_MTU}`,
      `IPv6 does not work below it: raise the uplinks to ${uplinkMtu + IPV6_MINIMUM_MTU - smallest} or more`,
    );
  } else if (smallest < ETHERNET_MTU && !answers) {
    findings.warn(
      'tenant-mtu',
      `${what} < ${ETHERNET_MTU}`,
      `larger packets of VMs are lost without an ICMP error (TCP is clamped): give VMs this MTU, or raise the uplinks to ${uplinkMtu + ETHERNET_MTU - smallest}`,
    );
  } else if (smallest < ETHERNET_MTU) {
    findings.ok('tenant-mtu', `${what} < ${ETHERNET_MTU}: the fast path answers larger packets with ICMP errors`);
  } else findings.ok('tenant-mtu', what);
}
