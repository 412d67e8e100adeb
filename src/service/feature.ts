/** Services of the node that VMs reach at link-local addresses: metadata. */
import { bpfServiceResource } from './entry-resource.js';
import { serviceFacts } from './facts.js';
import { serviceIntent } from './intent.js';
import { serviceLinkResource } from './link-resource.js';
import { serviceObservation } from './observe.js';
import { planServiceMembers, planServicePort, planServices } from './plan.js';
import { servicePortResource } from './port-resource.js';
import { ServiceStore } from './store.js';
import type { Feature } from '../reconcile/feature.js';

export const serviceFeature = {
  name: 'service',
  intent: serviceIntent,
  resources: {
    'service-link': serviceLinkResource,
    'bpf-service': bpfServiceResource,
    'service-port': servicePortResource,
  },
  kernel: { services: (options) => new ServiceStore(options) },
  plans: { node: planServices, tenant: planServiceMembers, localPort: planServicePort },
  facts: serviceFacts,
  observe: serviceObservation,
} satisfies Feature;
