/** What a tenant sends and receives, and where. */
const OF = 'tenant=~"$tenant", instance=~"$instance"';
const perNode = (series, unit) => [[`sum by (tenant, instance) (rate(${series}{${OF}}[$__rate_interval]))`, unit]];
const LEGEND = '{{tenant}} on {{instance}}';

export default {
  uid: 'segue-tenant',
  title: 'segue: tenant',
  description: "What a tenant's VMs send and receive, by node and port.",
  variables: ['tenant', 'instance'],
  rows: {
    Tenant: [
      { title: 'Sent by VMs', unit: 'Bps', queries: perNode('segue_tenant_transmit_bytes_total', LEGEND) },
      { title: 'Received by VMs', unit: 'Bps', queries: perNode('segue_tenant_receive_bytes_total', LEGEND) },
      { title: 'Packets sent', unit: 'pps', queries: perNode('segue_tenant_transmit_packets_total', LEGEND) },
      { title: 'Packets received', unit: 'pps', queries: perNode('segue_tenant_receive_packets_total', LEGEND) },
    ],
    Ports: [
      {
        title: 'Ports by node',
        queries: [[`count by (tenant, instance) (segue_port_transmit_packets_total{${OF}})`, LEGEND]],
      },
      {
        title: 'Ports that send most',
        unit: 'Bps',
        queries: [
          [`topk(20, rate(segue_port_transmit_bytes_total{${OF}}[$__rate_interval]))`, '{{port}} on {{instance}}'],
        ],
      },
      {
        title: 'Ports that receive most packets',
        unit: 'pps',
        queries: [
          [`topk(20, rate(segue_port_receive_packets_total{${OF}}[$__rate_interval]))`, '{{port}} on {{instance}}'],
        ],
      },
    ],
  },
};
