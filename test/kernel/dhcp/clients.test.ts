/**
 * DHCP clients of real distributions get their addresses, each from its own port: two tenants with the same MAC and IP
 * addresses, at once. No agent runs: the state that `segue apply` left answers alone.
 */
import { describe, expect, it } from 'vitest';
import { leases } from '../../../src/api/schema-shown.js';
import { leasesOf } from '../../../src/cli/show/lease.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { trace } from '../../../src/observe/trace/trace.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { countsOf } from './counts.js';
import {
  ADDRESS4,
  ADDRESS6,
  DNS4,
  DNS6,
  forget,
  GATEWAY4,
  Hook,
  MTU,
  SUBNET4,
  SUBNET6,
  twins,
  withPorts,
} from './cloud.js';
import { scopeTo } from '../../../src/app/intent.js';

const HOST_ROUTES = {
  ...SUBNET4,
  dhcp: {
    ...SUBNET4.dhcp,
    lease: 600,
    netmask: 'host' as const,
    domain: 'blue.example',
    search: ['blue.example'],
    routes: [{ to: '10.9.0.0/16', via: GATEWAY4 }],
  },
};
const HANG_MS = 300_000;

describe('clients of two tenants with identical addresses', { timeout: HANG_MS }, () => {
  const subnets = { red: [SUBNET4, SUBNET6], blue: [HOST_ROUTES, SUBNET6] };
  const network = useNetwork(twins('ebpf', subnets), async (made) => {
    const intent = withPorts(made.intent(), { red: { hostname: 'red-a' }, blue: { hostname: 'blue-a' } });
    for (const node of ['hv1', 'hv2']) await made.apply(node, intent);
    for (const vm of ['red', 'blue']) await forget(made, vm);
  });
  const configure =
    'ip addr replace $ip/${mask:-24} dev eth0; [ "$mask" = 32 ] && ip route replace 10.0.0.1 dev eth0; ip route replace default via 10.0.0.1';
  const udhcpc = (vm: string, hook: Hook, ...more: string[]): Promise<string> =>
    network.output(vm, ['udhcpc', '-i', 'eth0', '-f', '-q', '-n', '-t', '5', '-s', hook.script, ...more], {
      timeoutMs: HANG_MS,
    });
  const dhclient = (vm: string, family: 4 | 6, hook: Hook, ...more: string[]): Promise<string> => {
    const files = [
      '-lf',
      `${network.directory}/${vm}-${family}.leases`,
      '-pf',
      `${network.directory}/${vm}-${family}.pid`,
    ];
    // -x ends it without a RELEASE; `timeout` ends what is not bound.
    const script = `timeout 60 dhclient -${family} -1 -v -d -cf ${network.directory}/dhclient.conf -sf ${hook.script} ${files.join(' ')} ${more.join(' ')} eth0 2>&1 & child=$!
      for i in $(seq 600); do grep -q 'reason=\\(BOUND\\|REBOOT\\|BOUND6\\|RENEW\\)' ${hook.log} 2>/dev/null && break; sleep 0.1; done; kill $child; wait $child || true`;
    return network.shell(vm, script, { timeoutMs: HANG_MS });
  };

  it('udhcpc of both tenants gets its configuration at once', async () => {
    const hooks = {
      red: new Hook(network, 'udhcpc-red', configure),
      blue: new Hook(network, 'udhcpc-blue', configure),
    };
    await Promise.all([
      udhcpc('red', hooks.red, '-O', 'search', '-O', 'mtu', '-O', 'staticroutes'),
      udhcpc('blue', hooks.blue, '-O', 'search', '-O', 'mtu', '-O', 'staticroutes'),
    ]);
    const common = {
      ip: ADDRESS4,
      router: GATEWAY4,
      serverid: GATEWAY4,
      mtu: String(MTU),
      dns: `${DNS4} 10.0.0.53`,
      ntpsrv: '169.254.169.123',
    };
    expect(hooks.red.last('ip')).toMatchObject({
      ...common,
      mask: '24',
      hostname: 'red-a',
      domain: 'red.example',
      lease: '3600',
      search: 'red.example example',
    });
    expect(hooks.red.last('ip').staticroutes).toBeUndefined();
    expect(hooks.blue.last('ip')).toMatchObject({
      ...{ ...common, mask: '32', hostname: 'blue-a', domain: 'blue.example', lease: '600', search: 'blue.example' },
      staticroutes: '10.0.0.1/32 0.0.0.0 10.9.0.0/16 10.0.0.1 0.0.0.0/0 10.0.0.1',
    });
    for (const vm of ['red', 'blue']) {
      for (const to of [GATEWAY4, '10.0.0.11'])
        expect(await network.ping(vm, to), `${vm} to ${to}`).toMatchObject({ received: 1 });
    }
  });

  it('dhclient gets a lease anew, and confirms it later (INIT-REBOOT)', async () => {
    await network.shell(
      'red',
      `printf 'option rfc3442 code 121 = array of unsigned integer 8;\nalso request interface-mtu, ntp-servers;\n' >${network.directory}/dhclient.conf`,
    );
    for (const [reason, asked] of [
      ['BOUND', 'DHCPDISCOVER'],
      ['REBOOT', 'DHCPREQUEST'],
    ] as const) {
      const hook = new Hook(network, `dhclient-${reason}`);
      expect(await dhclient('red', 4, hook)).toContain(asked);
      expect(hook.last('new_ip_address')).toMatchObject({
        ...{
          reason,
          new_ip_address: ADDRESS4,
          new_subnet_mask: '255.255.255.0',
          new_routers: GATEWAY4,
          new_interface_mtu: String(MTU),
        },
        ...{ new_domain_name: 'red.example', new_domain_name_servers: `${DNS4} 10.0.0.53`, new_host_name: 'red-a' },
        ...{
          new_dhcp_lease_time: '3600',
          new_dhcp_server_identifier: GATEWAY4,
          new_domain_search: 'red.example. example.',
        },
      });
    }
  });

  it('dhclient is refused another address and gets its own', async () => {
    const leases = `${network.directory}/red-4.leases`;
    await network.shell('red', `sed -i 's/${ADDRESS4}/10.0.0.99/' ${leases}`);
    const before = countsOf(network.instance('hv1'));
    const hook = new Hook(network, 'dhclient-nak');
    const said = await dhclient('red', 4, hook);
    expect(said).toMatch(/DHCPREQUEST for 10\.0\.0\.99.*DHCPNAK.*DHCPDISCOVER.*DHCPACK of 10\.0\.0\.10/s);
    expect(countsOf(network.instance('hv1'))['dhcp nak']).toBe((before['dhcp nak'] ?? 0) + 1);
  });

  it('a renewal is answered to the client’s address, and a release is counted', async () => {
    const hook = new Hook(network, 'udhcpc-renew', configure);
    const before = countsOf(network.instance('hv1'));
    await network.shell(
      'red',
      `udhcpc -i eth0 -f -R -t 5 -s ${hook.script} >/dev/null 2>&1 & child=$!
      bound() { grep -c "ip=${ADDRESS4}" ${hook.log} 2>/dev/null || true; }
      for i in $(seq 300); do [ "$(bound)" = 1 ] && break; sleep 0.1; done
      kill -USR1 $child; for i in $(seq 300); do [ "$(bound)" = 2 ] && break; sleep 0.1; done
      kill -USR2 $child; sleep 1; kill $child || true; wait || true`,
      { timeoutMs: HANG_MS },
    );
    const after = countsOf(network.instance('hv1'));
    expect(
      hook
        .calls()
        .map(({ ip }) => ip)
        .filter(Boolean),
    ).toEqual([ADDRESS4, ADDRESS4]);
    // DISCOVER and REQUEST, and the renewal, which udhcpc may repeat.
    expect((after.dhcp ?? 0) - (before.dhcp ?? 0)).toBeGreaterThanOrEqual(3);
    expect((after['dhcp release'] ?? 0) - (before['dhcp release'] ?? 0)).toBe(1);
  });

  it('router advertisements have the gateway as router, no on-link prefix, the MTU and a resolver', async () => {
    const said = await network.output('red', ['rdisc6', '-1', 'eth0']);
    expect(said).toMatch(/Stateful address conf\. *: *Yes/);
    expect(said).toMatch(/Router lifetime *: *65535/);
    expect(said).toMatch(/Source link-layer address: 02:73:67:00:00:64/);
    expect(said).toMatch(new RegExp(`MTU *: *${MTU} bytes`));
    expect(said).toMatch(/Prefix *: fd00:10::\/64\n *On-link *: *No\n *Autonomous address conf\.: *No/);
    expect(said).toMatch(new RegExp(`Recursive DNS server *: ${DNS6}`));
    expect(said).toMatch(/DNS search list *: red\.example/);
    expect(said).toContain('from fe80::1');
    // The kernel has taken it.
    expect(await network.ip('red', '-6 route show default')).toMatch(/default via fe80::1 dev eth0 proto ra /);
    expect(await network.output('red', ['sysctl', '-n', 'net.ipv6.conf.eth0.mtu'])).toBe(`${MTU}\n`);
    expect(await network.output('red', ['ndisc6', 'fe80::1', 'eth0'])).toContain('02:73:67:00:00:64');
  });

  it('dhclient -6 of both tenants gets addresses that reach the peer by the advertised router', async () => {
    const body = '[ -n "$new_ip6_address" ] && ip addr replace $new_ip6_address/128 dev eth0 nodad';
    const hooks = { red: new Hook(network, 'dhclient6-red', body), blue: new Hook(network, 'dhclient6-blue', body) };
    for (const vm of ['red', 'blue']) await network.output(vm, ['rdisc6', '-1', 'eth0']);
    await Promise.all([dhclient('red', 6, hooks.red), dhclient('blue', 6, hooks.blue)]);
    for (const vm of ['red', 'blue'] as const) {
      expect(hooks[vm].last('new_ip6_address')).toMatchObject({
        ...{ new_ip6_address: ADDRESS6, new_ip6_prefixlen: '128', new_dhcp6_name_servers: DNS6, new_max_life: '3600' },
      });
      expect(await network.ping(vm, 'fd00:10::b'), vm).toMatchObject({ received: 1 });
    }
  });

  it('an agent sends unsolicited router advertisements when it starts', async () => {
    await network.ip('red', '-6 route flush default');
    const run = await AgentRun.start(network, 'hv1');
    try {
      await network.shell(
        'red',
        'for i in $(seq 300); do ip -6 route show default | grep -q fe80::1 && exit; sleep 0.1; done; exit 1',
        { timeoutMs: HANG_MS },
      );
      expect(run.lines.filter(({ level }) => level >= 40)).toEqual([]);
    } finally {
      await run.agent.stop();
    }
  });

  it('show, trace and doctor cover the DHCP configuration of ports', async () => {
    const instance = network.instance('hv1');
    const whole = withPorts(network.intent(), { red: { hostname: 'red-a' }, blue: { hostname: 'blue-a' } });
    await network.apply('hv1', whole);
    const intent = scopeTo(whole, instance.config.node);
    const context = showContext(instance, intent);
    const { ports, requests } = leasesOf(context);
    const told = { address: ADDRESS4, server: GATEWAY4, mtu: MTU, boot: {}, dns: [DNS4, '10.0.0.53'] };
    expect(leases.safeParse({ ports, requests }).error).toBeUndefined();
    expect(ports.map(({ name, ipv4 }) => [name, ipv4])).toEqual([
      ['blue', { ...told, prefixLength: 32, lease: 600, hostname: 'blue-a', domain: 'blue.example' }],
      ['red', { ...told, prefixLength: 24, lease: 3600, hostname: 'red-a', domain: 'red.example' }],
    ]);
    for (const { ipv6, ra } of ports) {
      expect(ipv6).toEqual({ addresses: [ADDRESS6], prefixes: [], dns: [DNS6] });
      expect(ra).toEqual({ managed: true, other: true, mtu: MTU, autonomous: [] });
    }
    expect(Object.fromEntries(requests?.map(({ slug, packets }) => [slug, packets]) ?? [])).toMatchObject({
      'answer-dhcp': countsOf(instance).dhcp,
      'answer-dhcp-nak': countsOf(instance)['dhcp nak'] ?? 0,
      'answer-router': countsOf(instance).router,
    });

    const traced = async (to: string, destinationPort: number): Promise<string[]> => {
      const question = { port: 'red', to, size: 300, protocol: 'udp' as const, destinationPort };
      const { verdict, steps } = await trace(context, whole, question);
      return [verdict, ...steps.map(({ text }) => text)];
    };
    const answer = `DHCP answers: ${ADDRESS4}/24 router ${GATEWAY4} lease 3600s`;
    expect(await traced('255.255.255.255', 67)).toEqual(expect.arrayContaining(['delivered', answer]));
    expect(await traced('ff02::1:2', 547)).toEqual(expect.arrayContaining([`DHCPv6 answers: ${ADDRESS6}`]));
    expect(await traced('10.0.0.11', 67)).not.toContain(answer);

    const found = async (): Promise<string[]> => {
      const { checks } = await runChecks({ instance, file: '', defaultFile: '', intent, intentError: undefined });
      return checks.filter(({ name }) => name.startsWith('port.dhcp')).map(({ status, name }) => `${status} ${name}`);
    };
    expect((await found()).filter((line) => line.startsWith('fail'))).toEqual([]);
    const index = Buffer.alloc(4);
    index.writeUInt32LE(instance.kernel.links.get('red')?.index ?? 0);
    instance.kernel.fastpath.maps?.sg_dhcp4.delete(index);
    expect(await found()).toContain('fail port.dhcp.red');
    await network.apply('hv1', whole);
    expect(await found()).not.toContain('fail port.dhcp.red');
  });

  it('the configuration has no drift, and is removed with the intent', async () => {
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    const told = network.intent();
    const tenants = told.tenants.map((tenant) => ({
      ...tenant,
      subnets: tenant.subnets.map(({ prefix, gateway }) => ({ prefix, gateway })),
    }));
    await network.apply('hv1', { ...told, tenants });
    const { status } = await network.run('red', [
      'udhcpc',
      '-i',
      'eth0',
      '-f',
      '-q',
      '-n',
      '-t',
      '1',
      '-T',
      '1',
      '-s',
      '/bin/true',
    ]);
    expect(status).not.toBe(0);
    expect((await network.run('red', ['rdisc6', '-1', '-r', '1', 'eth0'])).stdout).not.toContain('fe80::1');
  });
});
