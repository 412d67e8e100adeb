/** Interfaces of VMs: members of their tenant's VRF, with the guard, the gateways' addresses and the VMs' neighbour entries. */
import { addressResource } from './address-resource.js';
import { guardResource } from './guard-resource.js';
import { GUARD_TABLES } from './guard-tables.js';
import { neighbourResource, proxyResource } from './neighbour-resources.js';
import { planLocalPort, planEbpfOnlyPort } from './plan.js';
import { portResource } from './port-resource.js';
import { affectsProxies, PROXIES, proxyWarnings } from './proxies.js';
import type { Feature } from '../reconcile/feature.js';

export const portFeature = {
  name: 'port',
  resources: {
    guard: guardResource,
    port: portResource,
    address: addressResource,
    neighbour: neighbourResource,
    proxy: proxyResource,
  },
  plans: {
    localPort(view, port, emit) {
      if (view.ebpfOnly) planEbpfOnlyPort(view, port, emit);
      else planLocalPort(view, port, emit);
    },
  },
  observe: { counterTables: GUARD_TABLES },
  units: [PROXIES],
  affected: {
    tenant: (_view, { key }, { units }) => {
      units.add(PROXIES, key);
    },
    port(view, { before, after }, { units }) {
      for (const port of [before, after]) if (port && affectsProxies(view, port)) units.add(PROXIES, port.tenant);
    },
  },
  warnings: proxyWarnings,
} satisfies Feature;
