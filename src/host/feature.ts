/** Objects of a node that do not depend on its tenants: sysctls, local rules, the outer source, the locator's announcement. */
import { announceResource } from './announce-resource.js';
import { localRuleResource } from './local-rule-resource.js';
import { planEbpfOnlyNode, planNode } from './plan.js';
import { sysctlResource } from './sysctl-resource.js';
import { tunsrcResource } from './tunsrc-resource.js';
import type { Feature } from '../reconcile/feature.js';

export const hostFeature = {
  name: 'host',
  resources: {
    'local-rule': localRuleResource,
    sysctl: sysctlResource,
    tunsrc: tunsrcResource,
    announce: announceResource,
  },
  plans: {
    node(view, emit) {
      if (view.ebpfOnly) planEbpfOnlyNode(view, emit);
      else planNode(view, emit);
    },
  },
} satisfies Feature;
