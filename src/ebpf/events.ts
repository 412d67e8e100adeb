import { concernsLink } from '../reconcile/follows.js';
import type { Follows } from '../reconcile/follows.js';

/** For programs, and for the device features that their hooks depend on. */
export const DEVICE_FEATURES: Follows = {
  link: (link, context) => concernsLink(link, context) && context.plan['bpf-node'].size > 0,
  'device-features': (_value, { plan }) => plan['device-feature'].size > 0,
};
