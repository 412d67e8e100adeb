/** What the overlay needs of the underlay: an outer source, and a way to every other node's locator. */
import { decodeAddress, dumpAddressesRequest } from '../netlink/address.js';
import { getTunnelSource } from '../netlink/seg6.js';
import { decodeRoute, dumpRoutesRequest } from '../netlink/route.js';
import { prefixAddress } from '../net/prefix.js';
import { wayTo } from '../underlay/way.js';
import { MAIN_TABLE } from '../plan/numbers.js';
import { listed } from './sysctls.js';
import { Findings } from './types.js';
import type { Check, Patient } from './types.js';
import type { IntentNode } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';

export function checkUnderlay(patient: Patient): Check[] {
  const { instance, intent, applied, alone } = patient;
  const { kernel, config } = instance;
  const findings = new Findings('underlay');
  const self = intent?.nodes.find(({ name }) => name === config.node);
  if (intent === undefined || self === undefined) return findings.checks;
  if (applied) checkSource(kernel, self, alone, findings);
  checkRoutes(patient, self, intent.nodes, findings);
  return findings.checks;
}

function checkSource(kernel: Kernel, { source, locator }: IntentNode, alone: boolean, findings: Findings): void {
  const tunsrc = alone ? source : getTunnelSource(kernel.generic);
  if (alone) findings.ok('tunsrc', `outer source ${source}`);
  else if (tunsrc === source) findings.ok('tunsrc', `sr tunsrc ${tunsrc}`);
  else {
    findings.fail(
      'tunsrc',
      tunsrc === '::' ? 'no sr tunsrc' : `sr tunsrc ${tunsrc}, expected ${source}`,
      "the kernel picks any address of the node as outer source, a tenant's gateway too: ip sr tunsrc set, or segue apply",
    );
  }
  const addresses = kernel.socket.dump(dumpAddressesRequest({ family: 6 }), decodeAddress);
  if (addresses.some(({ address }) => address === source))
    findings.ok('source', `${source} is an address of this node`);
  else
    findings.fail(
      'source',
      `${source} is no address of this node`,
      'answers to it are lost: segue apply adds it to lo',
    );

  const main = kernel.socket.dump(dumpRoutesRequest({ family: 6, table: MAIN_TABLE }), decodeRoute);
  const own = main.find(({ prefix }) => prefix === locator);
  if (own?.type === 'blackhole') findings.ok('locator', `blackhole ${locator}`);
  else {
    findings.fail(
      'locator',
      own === undefined ? `no route for the own locator ${locator}` : `${own.type} ${locator}, expected a blackhole`,
      'packets to SIDs that are not there loop between here and the router until their hop limit ends: segue apply',
    );
  }
}

function checkRoutes({ instance }: Patient, self: IntentNode, nodes: readonly IntentNode[], findings: Findings): void {
  const { kernel, config } = instance;
  const remote = nodes.filter(({ name }) => name !== self.name);
  const lost: string[] = [];
  const astray: string[] = [];
  for (const { name, locator } of remote) {
    const way = wayTo(kernel, prefixAddress(locator), self.source);
    if (way.device === undefined) lost.push(`${name} ${locator} (${way.error})`);
    else if (!config.uplinks.includes(way.device)) astray.push(`${name} ${locator} (dev ${way.device})`);
  }
  const total = `${remote.length} other node${remote.length === 1 ? '' : 's'}`;
  if (lost.length > 0) {
    findings.fail(
      'routes',
      `no route to ${lost.length} of ${total}: ${listed(lost)}`,
      'tenants do not reach their members there: the underlay must route each locator (static, OSPF, IS-IS, BGP)',
    );
  }
  if (astray.length > 0) {
    findings.warn(
      'routes-device',
      `the way to ${astray.length} of ${total} is not by an uplink: ${listed(astray)}`,
      `the tenants' MTU is made from the uplinks' (${config.uplinks.join(' ')}): name that device in "uplinks" too`,
    );
  }
  if (lost.length === 0 && astray.length === 0) findings.ok('routes', `a route to each of ${total}`);
}
