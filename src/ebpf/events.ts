import { concernsLink } from '../reconcile/follows.js';
import type { Follows } from '../reconcile/follows.js';

/** For programs, and the features of devices that their hooks ask for. */
export const DEVICE_FEATURES: Follows = {
  link: (link, context) => concernsLink(link, context) && context.plan['bpf-node'].size > 0,
  'device-features': (_value, { plan }) => plan['device-feature'].size > 0,
};
