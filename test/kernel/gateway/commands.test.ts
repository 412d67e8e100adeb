/** What trace, show and doctor report of steering while real packets go from VM to VM through network nodes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { showContext } from '../../../src/observe/inspect/context.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { Background, outputOf } from '../../../lab/process.js';
import { steeringTopology } from '../../../lab/steering.js';
import { announce, withdraw } from '../../../lab/underlay.js';
import { trace } from '../../../src/observe/trace/trace.js';
import { useNetwork } from '../../netns/lib/network.js';
import type { Check } from '../../../src/observe/doctor/types.js';
import type { Trace } from '../../../src/observe/trace/types.js';
import { scopeTo } from '../../../src/app/intent.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const PORTS = [80, 8000, 8080, 81, 5432];
const CONNECT_S = 2;

describe('commands about steering', () => {
  const network = useNetwork(steeringTopology('ebpf'));
  const short = (name: string): string => name.replace(`${network.topology.prefix}-`, '');

  beforeAll(() => {
    network.files();
    for (const vm of ['red-a', 'blue-b']) {
      for (const port of PORTS) new Background(network.netns(vm), ['iperf3', '-s', '-p', String(port)]);
    }
  });

  const ask = (port: string, question: { to: string; destinationPort?: number }): Promise<Trace> => {
    const intent = network.intent();
    const node = network.topology.vms.find(({ name }) => name === port)?.node ?? '';
    const tcp = question.destinationPort === undefined ? {} : { protocol: 'tcp' as const, syn: true };
    return trace(showContext(network.instance(node), intent), intent, { port, size: 84, ...tcp, ...question });
  };

  const connects = async (from: string, to: string, port: number): Promise<boolean> => {
    const script = `timeout ${CONNECT_S} bash -c '</dev/tcp/${to}/${port}'`;
    const { status } = await network.run(from, ['bash', '-c', `${script} 2>/dev/null`]);
    return status === 0;
  };

  const segue = async (node: string, ...args: string[]): Promise<string> =>
    outputOf(undefined, [process.execPath, SEGUE, ...args, '-c', join(network.directory, `${node}.yaml`)]);

  it.each([
    ['10.2.0.20', 80, 'sent', undefined],
    ['10.2.0.20', 8000, 'sent', undefined],
    ['10.2.0.20', 8080, 'dropped', 'policy'],
    ['10.2.0.20', 81, 'dropped', 'no-policy-match'],
    ['fd00:2::b', 80, 'sent', undefined],
    ['fd00:2::b', 8080, 'dropped', 'policy'],
  ])(
    'trace from red to %s port %i reports %s, and a connection agrees',
    async (to, destinationPort, verdict, reason) => {
      const found = await ask('red-a', { to, destinationPort });
      expect({ verdict: found.verdict, reason: found.reason ?? undefined }).toEqual({ verdict, reason });
      expect(await connects('red-a', to, destinationPort)).toBe(verdict === 'sent');
      const way = found.steps.map(({ node, step }) => `${short(node)} ${step}`);
      const at = way.find((one) => /^nn[12] sid$/.test(one))?.slice(0, 3);
      expect(way).toContain('hv1 flow');
      expect(way).toContain(`${at} policy`);
      if (verdict === 'sent') expect(way.at(-1)).toBe('hv2 deliver');
    },
  );

  it('trace of a ping agrees with the ping', async () => {
    const found = await ask('red-a', { to: '10.2.0.20' });
    expect(found).toMatchObject({ verdict: 'sent', reason: null });
    expect((await network.ping('red-a', '10.2.0.20')).received).toBe(1);
    expect(await ask('blue-b', { to: '10.1.0.10' })).toMatchObject({ verdict: 'dropped', reason: 'no-policy-match' });
    expect((await network.ping('blue-b', '10.1.0.10', { timeoutS: 1 })).received).toBe(0);
  });

  it('trace reports that no policy exists, between tenants and to an unknown address', async () => {
    expect(await ask('green-b', { to: '10.1.0.10' })).toMatchObject({
      ...{ verdict: 'dropped', reason: 'no-policy' },
      text: expect.stringContaining('no policy between green and red') as string,
    });
    expect(await ask('red-a', { to: '198.51.100.1' })).toMatchObject({ verdict: 'dropped', reason: 'no-policy' });
  });

  it('trace to the external network leads through its active network node', async () => {
    const found = await ask('red-a', { to: '203.0.113.10' });
    expect(found).toMatchObject({ verdict: 'sent' });
    expect((await network.ping('red-a', '203.0.113.10')).received).toBe(1);
    const gateways = JSON.parse(await segue('hv1', 'show', 'gateway', '-j')) as {
      gateways: { externals: { active: string }[] }[];
    };
    expect(found.text).toMatch(/^\S+ should deliver it to external:dc by eth1/);
    expect(found.next?.node).toBe(gateways.gateways[0]?.externals[0]?.active);
    expect(found.steps.find(({ step }) => step === 'flow')?.text).toContain('which the external network uses');
  });

  it('a reverse path filter on the external interface drops no replies', async () => {
    for (const node of ['nn1', 'nn2']) {
      await network.shell(
        node,
        'echo 1 | tee /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/eth1/rp_filter',
      );
    }
    expect((await network.ping('red-a', '203.0.113.10')).received).toBe(1);
  });

  it('trace follows a known flow to its network node instead of its hash', async () => {
    const question = { to: '10.2.0.20', destinationPort: 80, sourcePort: 42_424 };
    const script = `exec 3<>/dev/tcp/10.2.0.20/80; sleep 30`;
    const connection = new Background(network.netns('red-a'), ['bash', '-c', script]);
    await expect
      .poll(async () => segue('hv1', 'show', 'flow', '--proto', 'tcp', '--l4-port', '80'), { timeout: 60_000 })
      .toMatch(/^red +tcp +10\.1\.0\.10:[0-9]+ +10\.2\.0\.20:80 /m);
    const flows = JSON.parse(await segue('hv1', 'show', 'flow', '--l4-port', '80', '--limit', '0', '-j')) as {
      flowNodes: { sourcePort: number; node: string; idleSeconds: number; source: string }[];
    };
    const [newest] = flows.flowNodes
      .filter(({ source }) => source === '10.1.0.10')
      .sort((a, b) => a.idleSeconds - b.idleSeconds);
    const intent = network.intent();
    const found = await trace(showContext(network.instance('hv1'), intent), intent, {
      ...{ ...question, port: 'red-a', size: 84, protocol: 'tcp', sourcePort: newest?.sourcePort ?? 0 },
    });
    expect(found.steps.find(({ step }) => step === 'flow')).toMatchObject({
      detail: { known: true, node: newest?.node },
      text: expect.stringContaining('which handles the flow already') as string,
    });
    expect(await segue(short(newest?.node ?? ''), 'show', 'flow', '--l4-port', '80')).toMatch(
      new RegExp(
        `^red +blue +tcp +10\\.1\\.0\\.10:${newest?.sourcePort} +10\\.2\\.0\\.20:80 +ESTABLISHED .* web$`,
        'm',
      ),
    );
    await connection.stop();
  });

  it('show lists gateways and policies on a hypervisor', async () => {
    expect(await segue('hv1', 'show', 'gateway')).toMatch(/: hypervisor\ngw: tenants blue green red\n/);
    const policies = await segue('hv1', 'show', 'policy');
    expect(policies).toMatch(
      /^not-8080 +red +blue 10\.2\.0\.20\/32,fd00:2::b\/128 +tcp +8080 +10 +deny log +elsewhere/m,
    );
  });

  const gatewayChecks = async (node: string): Promise<Check[]> => {
    const instance = network.instance(node);
    const file = join(network.directory, `${node}.yaml`);
    const intent = scopeTo(network.intent(), network.netns(node));
    const { checks } = await runChecks({ instance, file, defaultFile: file, intent, intentError: undefined });
    return checks.filter(({ group }) => group === 'gateway');
  };

  it('doctor finds no fault', async () => {
    for (const node of ['hv1', 'nn1']) {
      const checks = await gatewayChecks(node);
      expect(checks.map(({ status, what }) => `${status} ${what}`)).toEqual([
        'ok a route to each of the 2 network nodes of gw',
        ...(node === 'hv1'
          ? []
          : [
              'ok network-node programs at eth0, eth1',
              'ok eth1 up, mtu 1500',
              'ok routes of the main table to 2001:db8:dc::/48, 203.0.113.0/24 dev eth1',
            ]),
      ]);
    }
  });

  it('doctor finds network nodes and external networks that cannot be reached', async () => {
    const { topology } = network;
    withdraw(topology, 'nn2', 'hv1');
    await network.apply('hv1');
    expect(await gatewayChecks('hv1')).toMatchObject([
      { status: 'warn', what: `no route to 1 of the 2 network nodes of gw: ${network.netns('nn2')}` },
    ]);
    withdraw(topology, 'nn1', 'hv1');
    await network.apply('hv1');
    expect(await gatewayChecks('hv1')).toMatchObject([{ status: 'fail', name: 'gateway.nodes.gw' }]);
    for (const node of ['nn1', 'nn2']) announce(topology, node, 'hv1');
    await network.apply('hv1');
    expect(await gatewayChecks('hv1')).toMatchObject([{ status: 'ok' }]);
    const found = async (): Promise<string[]> =>
      (await gatewayChecks('nn1'))
        .filter(({ status }) => status !== 'ok')
        .map(({ status, what }) => `${status} ${what}`);
    await network.ip('nn1', '-6 route del 2001:db8:dc::/48');
    expect(await found()).toEqual(['fail no route of the main table to 2001:db8:dc::/48 dev eth1']);
    await network.ip('nn1', 'link set eth1 down');
    expect(await found()).toEqual(['fail eth1 is down']);
  });
});
