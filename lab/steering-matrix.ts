/**
 * Tests which endpoints reach each other by which policies: each sends requests to all others, in every way that the policies distinguish. The
 * expectation is derived from the policies one by one, independently of segue's compiled form.
 */
import { familyOf, prefixContains } from 'netlink-ts/inet';
import { portRanges } from '../src/gateway/port-ranges.js';
import { IdentityResponder, IdentityServer } from './identity.js';
import { ECHO, probeAll } from './probe.js';
import { netnsOf } from './topology.js';
import type { Probe } from './probe.js';
import type { Topology } from './topology.js';
import type { Policy, PolicyEnd } from '../src/gateway/types.js';

/** A VM, or the host of an external network. */
export interface Endpoint {
  name: string;
  end: { tenant: string } | { external: string };
  addresses: string[];
}

/** A kind of request. */
export type Service = Pick<Probe, 'protocol' | 'port'>;

export const SERVICES: readonly Service[] = [
  { protocol: 'tcp', port: 80 },
  { protocol: 'tcp', port: 443 },
  { protocol: 'tcp', port: 5432 },
  { protocol: 'tcp', port: 8080 },
  { protocol: 'udp', port: 53 },
  { protocol: 'icmp' },
];

/** A request and its answer. */
export interface Reached {
  from: string;
  address: string;
  service: Service;
  /** expected responder; absent: none */
  expected?: string;
  /** policy that allows it; also absent inside a tenant */
  policy?: string;
  /** actual responder */
  seen?: string;
  ok: boolean;
}

/** Time-out of answers in seconds, also on an emulated machine. */
const SECONDS = 3;
const EMULATED_SECONDS = 9;
/** Attempts of a request without its expected answer, each with a longer time-out, because busy machines pause. */
const TURNS = 3;
const MORE = 3;

export function endpointsOf({ vms, externals = [] }: Topology): Endpoint[] {
  return [
    ...vms.map(({ name, tenant, addresses }) => ({ name, end: { tenant }, addresses })),
    ...externals.map(({ name, addresses }) => ({ name, end: { external: name }, addresses })),
  ];
}

/** Services of all endpoints, which answer with the endpoint's name. */
export class Services {
  readonly #all: { close(): Promise<void> }[] = [];

  constructor(topology: Topology) {
    for (const { name } of endpointsOf(topology)) {
      const netns = netnsOf(topology, name);
      for (const { protocol, port } of SERVICES) {
        if (port === undefined) continue;
        if (protocol === 'tcp') this.#all.push(new IdentityServer(netns, name, port));
        else for (const family of [4, 6] as const) this.#all.push(new IdentityResponder(netns, name, port, family));
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.close()));
  }
}

/** The policy by which an endpoint may use another's service, if there is one: the lowest priority decides, among equal ones a denial. */
function allowedBy(
  policies: readonly Policy[],
  from: Endpoint,
  to: Endpoint,
  address: string,
  { protocol, port }: Service,
): string | undefined {
  const source = from.addresses.find((one) => familyOf(one) === familyOf(address));
  if (source === undefined) return undefined;
  const [first] = policies
    .filter((policy) => isEnd(policy.from, from, source) && isEnd(policy.to, to, address))
    .filter((policy) => policy.protocol === 'any' || policy.protocol === protocol)
    .filter(({ ports }) => ports === undefined || (port !== undefined && hasPort(ports, port)))
    .sort((a, b) => a.priority - b.priority || Number(a.action === 'allow') - Number(b.action === 'allow'));
  return first?.action === 'allow' ? first.name : undefined;
}

function isEnd(end: PolicyEnd, { end: own }: Endpoint, address: string): boolean {
  const same =
    'tenant' in end ? 'tenant' in own && own.tenant === end.tenant : 'external' in own && own.external === end.external;
  return same && (end.prefixes?.some((prefix) => prefixContains(prefix, address)) ?? true);
}

function hasPort(ports: readonly (number | string)[], port: number): boolean {
  return portRanges(ports).some(([first, last]) => port >= first && port <= last);
}

/** All requests with their expected answers. Addresses of several tenants are requested once. */
export function questionsOf(topology: Topology, policies: readonly Policy[] = topology.policies ?? []): Reached[] {
  const endpoints = endpointsOf(topology);
  const addresses = [...new Set(endpoints.flatMap((one) => one.addresses))];
  return endpoints.flatMap((from) =>
    addresses
      .filter((address) => !from.addresses.includes(address))
      .flatMap((address) => SERVICES.map((service) => question(endpoints, policies, from, address, service))),
  );
}

function question(
  endpoints: readonly Endpoint[],
  policies: readonly Policy[],
  from: Endpoint,
  address: string,
  service: Service,
): Reached {
  const asked = { from: from.name, address, service, ok: false };
  const there = endpoints.filter((one) => one.addresses.includes(address));
  const member = there.find(({ end }) => 'tenant' in end && 'tenant' in from.end && end.tenant === from.end.tenant);
  if (member !== undefined) return { ...asked, expected: member.name };
  for (const to of there) {
    const policy = allowedBy(policies, from, to, address, service);
    if (policy !== undefined) return { ...asked, expected: to.name, policy };
  }
  return asked;
}

/** Sends all requests. */
export async function askAll(topology: Topology, questions: readonly Reached[]): Promise<Reached[]> {
  const seconds = process.env.SEGUE_VM === '1' ? EMULATED_SECONDS : SECONDS;
  const answers = new Map((await ask(topology, questions, seconds)).map((one) => [key(one), one]));
  for (let turn = 0; turn < TURNS; turn++) {
    const silent = [...answers.values()].filter(({ expected, seen }) => expected !== undefined && seen === undefined);
    for (const one of await ask(topology, silent, seconds * MORE)) answers.set(key(one), one);
  }
  return [...answers.values()];
}

async function ask(topology: Topology, questions: readonly Reached[], seconds: number): Promise<Reached[]> {
  const sources = [...new Set(questions.map(({ from }) => from))];
  const answered = await Promise.all(
    sources.map(async (from) => {
      const own = questions.filter((one) => one.from === from);
      const probes = own.map(({ address, service }) => ({ address, ...service }));
      const seen = await probeAll(netnsOf(topology, from), probes, seconds);
      return own.map((one, index) => judged(one, seen[index]));
    }),
  );
  return answered.flat();
}

function judged({ from, address, service, expected, policy }: Reached, seen: string | undefined): Reached {
  const wanted = service.protocol === 'icmp' && expected !== undefined ? ECHO : expected;
  return {
    ...{ from, address, service },
    ...(expected !== undefined && { expected }),
    ...(policy !== undefined && { policy }),
    ...(seen !== undefined && { seen }),
    ok: seen === wanted,
  };
}

/** `red-a 10.2.0.10 tcp 80` */
export function key({ from, address, service }: Reached): string {
  return `${from} ${address} ${serviceText(service)}`;
}

/** `tcp 80` */
export function serviceText({ protocol, port }: Service): string {
  return port === undefined ? protocol : `${protocol} ${port}`;
}
