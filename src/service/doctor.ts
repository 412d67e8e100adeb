/** The doctor's checks of the node's services. */
import { connect } from 'node:net';
import { probeQuery } from '../dns/message.js';
import { Resolver } from '../dns/resolver.js';
import { hasPortFile, heldServices, isServed } from './held.js';
import { servicesOf } from './kinds.js';
import type { DnsConfig, MetadataConfig, Port } from '../intent/types.js';
import type { FeatureFinding, ObservedNode } from '../reconcile/observation.js';
import type { ServiceName } from './objects.js';

const HTTP = 80;
const HTTPS = 443;
/** Time-out of connecting to an upstream, in milliseconds. */
const UPSTREAM_MS = 2000;

/** What findings say of each service. */
const TEXTS = {
  metadata: {
    what: 'metadata',
    service: 'metadata service',
    without: 'gets no metadata',
    unit: 'segue-metadata',
    command: 'segue metadata',
  },
  dns: { what: 'DNS', service: 'DNS service', without: 'resolves no names', unit: 'segue-dns', command: 'segue dns' },
} as const;

export async function checkServices(node: ObservedNode): Promise<FeatureFinding[]> {
  const { kernel, config, intent } = node;
  const ports = intent?.ports.filter((port) => port.node === config.node && kernel.links.has(port.interface)) ?? [];
  if (ports.length === 0) return [];
  const found = await Promise.all(servicesOf(config).map((name) => checkService(name, node, ports)));
  return found.flat();
}

async function checkService(
  name: ServiceName,
  { kernel, config }: ObservedNode,
  ports: readonly Port[],
): Promise<FeatureFinding[]> {
  const { what, service, without, unit, command } = TEXTS[name];
  const { netns } = kernel.services;
  const fault = (part: string, text: string, advice: string): FeatureFinding => ({
    ...{ name: `${name}.${part}`, status: 'fail', what: text, advice },
  });
  if (heldServices(kernel)?.services.includes(name) !== true) {
    const advice = `a VM ${without}: run segue apply; segue show fastpath says whether programs can run here`;
    return [fault('programs', `no program at a port translates requests for ${what}`, advice)];
  }
  const found: FeatureFinding[] = [];
  if (isServed(kernel, name) === false) {
    const text = `no ${service} listens in the namespace ${netns}: requests are refused`;
    found.push(fault('service', text, `systemctl enable --now ${unit}@${config.node}, or run ${command}`));
  }
  const unknown = ports.filter((port) => !hasPortFile(kernel, port.interface)).map((port) => port.name);
  if (unknown.length > 0) {
    const text = `the service does not know ${unknown.length === 1 ? 'port' : `${unknown.length} ports, among them`} ${unknown[0] ?? ''}`;
    found.push(fault('ports', text, `its VM ${without}: run segue apply, or segue diff if an agent runs`));
  }
  const { from, error, advice } = await upstreamOf(name, config);
  if (error !== undefined) found.push(fault(name === 'dns' ? 'resolver' : 'upstream', error, advice));
  if (found.length > 0) return found;
  return [{ name, status: 'ok', what: `${ports.length} ports get ${what} from ${from}, in the namespace ${netns}` }];
}

interface UpstreamFound {
  from: string;
  error?: string;
  advice: string;
}

async function upstreamOf(
  name: ServiceName,
  { metadata, dns }: { metadata?: MetadataConfig; dns?: DnsConfig },
): Promise<UpstreamFound> {
  if (name === 'dns') {
    const advice = 'VMs get SERVFAIL: check the resolver and the route to it from this host';
    if (dns === undefined) return { from: '', advice };
    const from = `the resolver ${dns.resolver}${dns.port === 53 ? '' : ` port ${dns.port}`}`;
    const error = (await hasAnswer(dns)) ? {} : { error: `${from} does not answer` };
    return { from, ...error, advice };
  }
  const advice = 'VMs get 503 with Retry-After: check the upstream and the route to it from this host';
  if (metadata === undefined || metadata.from === 'files') return { from: 'the intent', advice };
  const { upstream } = metadata.from;
  const why = await unreachable(upstream);
  return { from: upstream, ...(why !== undefined && { error: `${upstream} cannot be reached: ${why}` }), advice };
}

/** Whether a resolver answers a query for its version, in any way. */
async function hasAnswer({ resolver, port }: DnsConfig): Promise<boolean> {
  const asked = new Resolver(resolver, port, 1);
  const answer = await new Promise<Buffer | undefined>((resolve) => {
    asked.ask(probeQuery(), resolve);
  });
  asked.close();
  return answer !== undefined;
}

/** Why an upstream cannot be reached; undefined: it can. */
async function unreachable(upstream: string): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(upstream);
  const host = hostname.replaceAll(/[[\]]/g, '');
  const number = port === '' ? (protocol === 'https:' ? HTTPS : HTTP) : Number(port);
  return new Promise((resolve) => {
    const socket = connect({ host, port: number, timeout: UPSTREAM_MS });
    const end = (error?: string): void => {
      socket.destroy();
      resolve(error);
    };
    socket.once('connect', () => {
      end();
    });
    socket.once('timeout', () => {
      end(`no answer within ${UPSTREAM_MS} ms`);
    });
    socket.once('error', (error) => {
      end(error.message);
    });
  });
}
