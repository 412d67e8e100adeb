/** Checks settings that drop packets silently. */
import { readFacts } from '../../agent/facts.js';
import { FORCE_FORWARDING, HOST_FORWARDING, ofDevice } from '../../host/sysctl-plan.js';
import { listed } from '../../reconcile/findings.js';
import { Findings } from './types.js';
import type { Check, CheckContext } from './types.js';
import type { Sysctls } from '../../kernel/sysctl.js';
import type { Link } from 'netlink-ts';

const FORWARDING = HOST_FORWARDING;
const ALL_RP_FILTER = 'net/ipv4/conf/all/rp_filter';
const APPLY = 'segue apply and the agent set it';

interface Expected {
  path: string;
  value: string;
  name: string;
  why: string;
}

const NOT_FORWARDED = "nothing is forwarded between tenants' VRFs and the underlay";

const SHARED: readonly Expected[] = [
  {
    path: 'net/vrf/strict_mode',
    value: '1',
    name: 'strict-mode',
    why: 'End.DT4 and End.DT46 cannot be made',
  },
  {
    path: 'net/ipv6/seg6_flowlabel',
    value: '1',
    name: 'flowlabel',
    why: 'all IPv4 flows have flow label 0, so the underlay cannot spread them',
  },
];

/** @param members segue's VRFs and the devices in them */
export function checkSysctls({ instance, applied, alone }: CheckContext, members: readonly Link[]): Check[] {
  const { kernel, config } = instance;
  const { sysctls } = kernel;
  const findings = new Findings('sysctl');
  for (const { path, value, name, why } of alone ? [] : [...forwardingOf(instance), ...SHARED]) {
    const found = sysctls.read(path);
    const what = `${dotted(path)} = ${found ?? 'absent'}`;
    if (found === value) findings.ok(name, what);
    else if (applied)
      findings.fail(name, `${what}, expected ${value}`, `${why}: ${APPLY}, but something else changed it`);
    else findings.warn(name, `${what}, not ${value} yet`, `${why}: ${APPLY}`);
  }
  for (const uplink of config.uplinks) checkUplink(sysctls, uplink, findings);
  if (!alone) checkReversePath(sysctls, members, findings);
  checkMembers(sysctls, members, findings);
  return findings.checks;
}

/** The expected forwarding settings: of single interfaces, or of the host. */
function forwardingOf({ kernel, config }: CheckContext['instance']): Expected[] {
  const { forwarding } = readFacts(kernel, config, undefined);
  if (forwarding !== 'interfaces') return [{ path: FORWARDING, value: '1', name: 'forwarding', why: NOT_FORWARDED }];
  return [...config.uplinks, ...(config.inside ?? [])].map((device) => ({
    path: ofDevice(FORCE_FORWARDING[0], device),
    value: FORCE_FORWARDING[1],
    name: `forwarding.${device}`,
    why: NOT_FORWARDED,
  }));
}

/** With accept_ra=1 on an uplink a router ignores advertisements, and its default route expires (ip-sysctl.rst). */
function checkUplink(sysctls: Sysctls, uplink: string, findings: Findings): void {
  const path = `net/ipv6/conf/${uplink}/accept_ra`;
  const acceptRa = sysctls.read(path);
  if (acceptRa === '1' && sysctls.read(FORWARDING) === '1') {
    findings.fail(
      `accept-ra.${uplink}`,
      `${dotted(path)} = 1 while forwarding is on`,
      `router advertisements are ignored and a default route learned from them expires: set it to 2, or to 0 with static routes`,
    );
  } else if (acceptRa !== undefined) {
    findings.ok(`accept-ra.${uplink}`, `${dotted(path)} = ${acceptRa}`);
  }
  const disabled = `net/ipv6/conf/${uplink}/disable_ipv6`;
  if (sysctls.read(disabled) === '1') {
    findings.fail(`ipv6.${uplink}`, `${dotted(disabled)} = 1`, 'the underlay is IPv6: set it to 0');
  }
}

/**
 * The larger of conf/all and the device's own setting applies (IN_DEV_RPFILTER, include/linux/inetdevice.h). Packets of members pass a strict
 * filter, as tested on 6.12: the route back to a remote member uses the VRF device, on which they arrive.
 */
function checkReversePath(sysctls: Sysctls, members: readonly Link[], findings: Findings): void {
  const all = Number(sysctls.read(ALL_RP_FILTER) ?? 0);
  const filtered = members
    .map(({ name }) => name)
    .filter((name) => Math.max(all, Number(sysctls.read(`net/ipv4/conf/${name}/rp_filter`) ?? 0)) > 0);
  const advice = `IPv4 packets from a source without a route back by the same VRF are dropped as martians, uncounted: set ${dotted(ALL_RP_FILTER)} to 0 (distributions set it in /usr/lib/sysctl.d)`;
  if (filtered.length > 0) {
    findings.warn('rp-filter', `rp_filter is on for ${listed(filtered)} (conf.all = ${all})`, advice);
  } else if (members.length === 0 && all > 0) findings.warn('rp-filter', `${dotted(ALL_RP_FILTER)} = ${all}`, advice);
  else
    findings.ok(
      'rp-filter',
      members.length > 0 ? 'rp_filter is off on VRFs and ports' : `${dotted(ALL_RP_FILTER)} = 0`,
    );
}

function checkMembers(sysctls: Sysctls, members: readonly Link[], findings: Findings): void {
  const ports = members.filter(({ kind }) => kind !== 'vrf').map(({ name }) => name);
  const slow = ports.filter((port) =>
    ['net/ipv4', 'net/ipv6'].some((root) => (sysctls.read(`${root}/neigh/${port}/proxy_delay`) ?? '0') !== '0'),
  );
  if (slow.length > 0) {
    findings.warn(
      'proxy-delay',
      `proxy_delay is not 0 on ${listed(slow)}`,
      `a VM waits up to 0.8 s for its neighbour's address: ${APPLY}`,
    );
  } else if (ports.length > 0) findings.ok('proxy-delay', 'proxy_delay is 0 on all ports');
  checkArp(sysctls, ports, findings);
  const open = members
    .filter(({ name }) => (sysctls.read(`net/ipv6/conf/${name}/seg6_enabled`) ?? '0') !== '0')
    .map(({ name }) => name);
  if (open.length > 0) {
    findings.fail(
      'seg6-enabled',
      `seg6_enabled is on for ${listed(open)}`,
      'tenants could have the hypervisor process routing headers of their own: set it to 0; seg6local does not need it',
    );
  }
}

/**
 * The larger of conf/all and the device's own setting applies (IN_DEV_ARP_IGNORE, include/linux/inetdevice.h). From 2 on the kernel answers neither
 * for a gateway address with /32, nor for any other.
 */
function checkArp(sysctls: Sysctls, ports: readonly string[], findings: Findings): void {
  const all = Number(sysctls.read('net/ipv4/conf/all/arp_ignore') ?? 0);
  const deaf = ports.filter((port) => Math.max(all, Number(sysctls.read(`net/ipv4/conf/${port}/arp_ignore`) ?? 0)) > 1);
  if (deaf.length > 0) {
    findings.fail(
      'arp-ignore',
      `arp_ignore is above 1 on ${listed(deaf)} (conf.all = ${all})`,
      "the kernel does not answer a VM's ARP requests for its gateway: set net.ipv4.conf.all.arp_ignore to 0 or 1",
    );
  }
}

function dotted(path: string): string {
  return path.replaceAll('/', '.');
}
