/** Suggestions of commands for a running laboratory. */
import { DEMO_DIRECTORY } from './demo.js';
import { netnsOf, ROUTER } from './topology.js';
import type { Demo } from './demo.js';
import type { SourceName } from './source.js';
import type { SteeringDemo } from './steering.js';

/** Two tenants with the same addresses. */
export function hints(demo: Demo, source: SourceName): string[] {
  const netns = (name: string): string => netnsOf(demo, name);
  const node = `-c ${DEMO_DIRECTORY}/hv1.yaml`;
  return [
    'The laboratory is running: tenants red (100) and blue (200) with the same addresses, on hypervisors hv1 and hv2.',
    '',
    `  ip netns exec ${netns('red-a')} ping 10.0.0.20             red-b answers, on the other hypervisor`,
    `  ip netns exec ${netns('blue-a')} ping 10.0.0.20            the same address, answered by blue-b`,
    `  ip netns exec ${netns('blue-a')} ping 10.0.0.102           no answer: only red-b has the address`,
    `  ip netns exec ${netns(ROUTER)} tcpdump -ni hv1         packets on the underlay`,
    `  segue show vrf ${node}       segue show route ${node}`,
    `  segue diff ${node}           no drift; remove an object with ip, and the agent repairs it`,
    ...(source === 'file'
      ? [`  ${DEMO_DIRECTORY}/                              the files; the agents follow changes of intent.yaml`]
      : fleetHints()),
    '',
    '  segue lab down',
  ];
}

/** Three tenants, and policies between them. */
export function steeringHints(demo: SteeringDemo, source: SourceName): string[] {
  const netns = (name: string): string => netnsOf(demo, name);
  const hypervisor = `-c ${DEMO_DIRECTORY}/hv1.yaml`;
  const node = `-c ${DEMO_DIRECTORY}/nn1.yaml`;
  return [
    'The laboratory is running: tenants red, blue and green, hypervisors hv1 and hv2, network nodes nn1 and nn2, the network dc beyond them.',
    '',
    `  ip netns exec ${netns('red-a')} ping 10.2.0.20              blue-b answers: policy ping`,
    `  ip netns exec ${netns('blue-b')} ping 10.1.0.10             no answer: no policy allows blue to ping red`,
    `  ip netns exec ${netns('red-a')} ping 203.0.113.10           dc answers: policy out`,
    `  ip netns exec ${netns(ROUTER)} tcpdump -ni nn1           packets that nn1 receives and sends`,
    `  segue diff ${node}    no drift`,
    `  segue trace ${hypervisor} --port red-a --to 10.2.0.20`,
    ...(source === 'file'
      ? [
          `  ${DEMO_DIRECTORY}/intent.yaml                the policies; the agents follow changes of them, and drain: true of a node`,
        ]
      : fleetHints()),
    '',
    '  segue lab down',
  ];
}

function fleetHints(): string[] {
  const fleet = `-c ${DEMO_DIRECTORY}/fleet.yaml`;
  return [
    `  segue fleet status ${fleet}      what the nodes report`,
    `  segue intent apply ${fleet} -f ${DEMO_DIRECTORY}/intent.yaml`,
    '                                                 writes the changes of the file to etcd; the agents follow them',
  ];
}
