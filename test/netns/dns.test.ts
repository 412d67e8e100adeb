/** DNS of VMs where a kernel forwards as well: the same programs, the same service. */
import { spawn } from 'node:child_process';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DnsProcess } from '../../src/dns/process.js';
import { SUBNET4, SUBNET6, twins } from '../kernel/dhcp/cloud.js';
import { until } from '../kernel/fleet/until.js';
import { useNetwork } from './lib/network.js';
import type { ChildProcess } from 'node:child_process';
import type { LabNode } from '../../lab/topology.js';

const HANG_MS = 600_000;
/** An address of loopback that no other test has. */
const dns = { resolver: '127.53.53.53', port: 53, rate: 1000 };
const DNSMASQ = [
  ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file', '--user=root'],
  ...[
    '--bind-interfaces',
    `--listen-address=${dns.resolver}`,
    '--local=/example/',
    '--host-record=www.example,192.0.2.80',
  ],
];

describe.each(['kernel', 'hybrid'] as const)('the DNS service in %s mode', { timeout: HANG_MS }, (dataplane) => {
  let service: DnsProcess;
  let resolver: ChildProcess;
  const topology = twins(dataplane, { red: [SUBNET4, SUBNET6], blue: [SUBNET4, SUBNET6] });
  const nodes = topology.nodes.map((node): LabNode => (node.name === 'hv1' ? { ...node, dns } : node));
  const network = useNetwork({ ...topology, nodes }, async (made) => {
    await made.apply('hv1', made.intent());
  });
  const ask = async (vm: string, server: string, ...words: string[]): Promise<string> =>
    (await network.run(vm, ['dig', '+short', `@${server}`, 'www.example', ...words])).stdout;
  beforeAll(async () => {
    resolver = spawn('dnsmasq', DNSMASQ, { stdio: 'ignore' });
    service = new DnsProcess(network.config('hv1'), dns, pino({ level: 'silent' }));
    await service.start();
    await until('the service answers', async () => (await ask('red', '169.254.169.253')) === '192.0.2.80\n');
  }, HANG_MS);
  afterAll(async () => {
    service.close();
    const ended = new Promise((resolve) => resolver.once('exit', resolve));
    if (resolver.kill('SIGKILL')) await ended;
  });

  it.each(['red', 'blue'])('answers %s at each address, by UDP and TCP', async (vm) => {
    for (const server of ['169.254.169.253', 'fd00:ec2::253']) {
      for (const way of ['+notcp', '+tcp']) expect(await ask(vm, server, way), `${server} ${way}`).toBe('192.0.2.80\n');
    }
  });
});
