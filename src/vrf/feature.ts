/** A VRF for each tenant on the node, and the rules that select its table. */
import { l3mdevRuleResource } from './l3mdev-rule-resource.js';
import { planTenant } from './plan.js';
import { ruleResource } from './rule-resource.js';
import { vrfResource } from './vrf-resource.js';
import type { Feature } from '../reconcile/feature.js';

export const vrfFeature = {
  name: 'vrf',
  resources: { rule: ruleResource, vrf: vrfResource, 'l3mdev-rule': l3mdevRuleResource },
  plans: {
    tenant(view, tenant, emit) {
      if (!view.ebpfOnly) planTenant(view, tenant, emit);
    },
  },
} satisfies Feature;
