/** The node's services in trace and doctor. */
import { checkServices } from './doctor.js';
import { hasPortFile, heldServices, isServed } from './held.js';
import { SERVICES } from './kinds.js';
import type { Observation, TracedRequest } from '../reconcile/observation.js';

/** A request for a service, as steps say it. */
const REQUESTS = { metadata: 'a request for metadata', dns: 'a DNS query' } as const;
const TEXTS = { metadata: 'metadata', dns: 'DNS' } as const;

const traceRequest: TracedRequest = (kernel, device, { to, protocol, destinationPort }) => {
  const held = heldServices(kernel);
  const name = held?.services.find((one) => SERVICES[one].addresses.includes(to));
  if (held === undefined || name === undefined) return;
  const { protocols, port } = SERVICES[name];
  if (!protocols.some((one) => one === protocol) || destinationPort !== port) return;
  const { prefix } = held;
  const { netns } = kernel.services;
  const isKnown = hasPortFile(kernel, device);
  const listens = isServed(kernel, name);
  const then = !isKnown ? ', which does not know the port' : listens === false ? ', where no service listens' : '';
  return {
    text: `${REQUESTS[name]}: translated to ${prefix} and sent to the namespace ${netns}${then}`,
    detail: { service: name, prefix, netns, portKnown: isKnown, listens: listens ?? null },
    end: `to the ${TEXTS[name]} service in ${netns}${listens === false ? ': refused, no service listens' : ''}`,
  };
};

export const serviceObservation = { check: checkServices, traceRequest } satisfies Observation;
