/** The prefix of the node's services; absent without one. */
import { servicePrefixOf } from './address.js';
import type { NodeConfig } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { FeatureFacts } from '../plan/view.js';

declare module '../plan/view.js' {
  interface FeatureFacts {
    /** Prefix between ports and services of the node; absent if it has no services. */
    servicePrefix?: string;
  }
}

export function serviceFacts(
  _kernel: Kernel,
  { node, metadata, dns, servicePrefix }: NodeConfig,
): Pick<FeatureFacts, 'servicePrefix'> {
  return metadata === undefined && dns === undefined ? {} : { servicePrefix: servicePrefix ?? servicePrefixOf(node) };
}
