/** Addresses of VMs: DHCPv4, DHCPv6 and router advertisements. Programs of the ports reply with templates that the agent writes. */
import { advertiseRoutine } from './advertise.js';
import { dhcpIntent } from './intent.js';
import { dhcpObservation } from './observe.js';
import { planLeases, planReplyPrograms, planRouter } from './plan.js';
import { replyProgramResource } from './reply-program-resource.js';
import { bootResource, dhcp4Resource, dhcp6Resource, raResource } from './template-resources.js';
import type { Feature } from '../reconcile/feature.js';

export const dhcpFeature = {
  name: 'dhcp',
  intent: dhcpIntent,
  resources: {
    'bpf-dhcp4': dhcp4Resource,
    'bpf-boot': bootResource,
    'bpf-dhcp6': dhcp6Resource,
    'bpf-ra': raResource,
    'reply-program': replyProgramResource,
  },
  routine: advertiseRoutine,
  plans: { node: planReplyPrograms, tenant: planRouter, localPort: planLeases },
  observe: dhcpObservation,
} satisfies Feature;
