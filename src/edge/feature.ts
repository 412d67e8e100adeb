/** The edge of the SR domain: what may not enter from outside. */
import { edgeResource } from './edge-resource.js';
import { planEdge, planEdgeSource } from './plan.js';
import type { Feature } from '../reconcile/feature.js';

export const edgeFeature = {
  name: 'edge',
  resources: { edge: edgeResource },
  plans: { node: planEdge, source: planEdgeSource },
} satisfies Feature;
