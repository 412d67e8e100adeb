import type { Findings } from '../../intent/findings.js';
import type { Intent, NodeConfig } from '../../intent/types.js';

/** Checks that need the node file and the intent: no external network is at an uplink, and a network node has the fast path. */
export function checkNodeFile(config: NodeConfig, intent: Intent, findings: Findings): void {
  const gateways = (intent.gateways ?? []).filter(({ nodes }) => nodes.includes(config.node));
  const [gateway] = gateways;
  if (gateway !== undefined && config.dataplane === 'kernel') {
    const expected = `hybrid; the node is a network node of gateway ${gateway.name}, and only the fast path decides between tenants`;
    findings.add(['dataplane'], config.dataplane, expected);
  }
  for (const external of intent.externals ?? []) {
    if (!gateways.some(({ name }) => name === external.gateway)) continue;
    const uplink = config.uplinks.indexOf(external.interface);
    const expected = `an interface that no external network has; ${external.name} has it`;
    if (uplink >= 0) findings.add(['uplinks', uplink], external.interface, expected);
    const inside = config.inside?.indexOf(external.interface) ?? -1;
    if (inside >= 0) findings.add(['inside', inside], external.interface, expected);
    const port = intent.ports.find((one) => one.node === config.node && one.interface === external.interface);
    if (port !== undefined) {
      findings.add(['node'], config.node, `a node whose port ${port.name} is not at the interface of ${external.name}`);
    }
  }
}
