/** The metadata service in trace and doctor. */
import { connect } from 'node:net';
import { METADATA_ADDRESSES } from './address.js';
import { hasPortFile, heldServicePrefix, isServed } from './held.js';
import type { FeatureFinding, Observation, ObservedNode, TracedRequest } from '../reconcile/observation.js';

const HTTP = 80;
const HTTPS = 443;
/** Time-out of connecting to an upstream, in milliseconds. */
const UPSTREAM_MS = 2000;

const finding = (name: string, what: string, advice: string, status: 'warn' | 'fail' = 'fail'): FeatureFinding => ({
  ...{ name: `metadata.${name}`, status, what, advice },
});

async function check({ kernel, config, intent }: ObservedNode): Promise<FeatureFinding[]> {
  const { metadata, node } = config;
  const ports = intent?.ports.filter((port) => port.node === node && kernel.links.has(port.interface)) ?? [];
  if (metadata === undefined || ports.length === 0) return [];
  const { netns } = kernel.services;
  const prefix = heldServicePrefix(kernel);
  if (prefix === undefined) {
    const advice = 'VMs get no metadata: run segue apply; segue show fastpath says whether programs can run here';
    return [finding('programs', 'no program at a port translates requests for metadata', advice)];
  }
  const found: FeatureFinding[] = [];
  if (isServed(kernel) === false) {
    const what = `no metadata service listens in the namespace ${netns}: requests are refused`;
    found.push(finding('service', what, `systemctl enable --now segue-metadata@${node}, or run segue metadata`));
  }
  const unknown = ports.filter((port) => !hasPortFile(kernel, port.interface)).map(({ name }) => name);
  if (unknown.length > 0) {
    const what = `the service does not know ${unknown.length === 1 ? 'port' : `${unknown.length} ports, among them`} ${unknown[0] ?? ''}`;
    found.push(finding('ports', what, 'its VM gets no metadata: run segue apply, or segue diff if an agent runs'));
  }
  if (metadata.from !== 'files') {
    const error = await unreachable(metadata.from.upstream);
    const what = `${metadata.from.upstream} cannot be reached: ${error ?? ''}`;
    const advice = 'VMs get 503 with Retry-After: check the upstream and the route to it from this host';
    if (error !== undefined) found.push(finding('upstream', what, advice));
  }
  if (found.length > 0) return found;
  const from = metadata.from === 'files' ? 'the intent' : metadata.from.upstream;
  return [
    {
      name: 'metadata',
      status: 'ok',
      what: `${ports.length} ports get metadata from ${from}, in the namespace ${netns}`,
    },
  ];
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

const traceRequest: TracedRequest = (kernel, device, { to, protocol, destinationPort }) => {
  if (!METADATA_ADDRESSES.some((address) => address === to) || protocol !== 'tcp' || destinationPort !== HTTP) return;
  const prefix = heldServicePrefix(kernel);
  if (prefix === undefined) return;
  const { netns } = kernel.services;
  const isKnown = hasPortFile(kernel, device);
  const listens = isServed(kernel);
  const then = !isKnown ? ', which does not know the port' : listens === false ? ', where no service listens' : '';
  return {
    text: `a request for metadata: translated to ${prefix} and sent to the namespace ${netns}${then}`,
    detail: { prefix, netns, portKnown: isKnown, listens: listens ?? null },
    end: `to the metadata service in ${netns}${listens === false ? ': refused, no service listens' : ''}`,
  };
};

export const serviceObservation = { check, traceRequest } satisfies Observation;
