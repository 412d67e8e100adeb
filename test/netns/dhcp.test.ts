/** DHCP and router advertisements at ports where a kernel forwards as well: the same programs, the same templates. */
import { describe, expect, it } from 'vitest';
import { forget, ADDRESS4, GATEWAY4, Hook, SUBNET4, SUBNET6, twins } from '../kernel/dhcp/cloud.js';
import { useNetwork } from './lib/network.js';

const HANG_MS = 600_000;

describe.each(['kernel', 'hybrid'] as const)('a VM at a port in %s mode', { timeout: HANG_MS }, (dataplane) => {
  const network = useNetwork(twins(dataplane, { red: [SUBNET4, SUBNET6], blue: [SUBNET4, SUBNET6] }), async (made) => {
    await made.applyAll();
    for (const vm of ['red', 'blue']) await forget(made, vm);
  });

  it.each(['red', 'blue'])('%s gets its address by DHCP and reaches its peer', async (vm) => {
    const hook = new Hook(
      network,
      `udhcpc-${vm}`,
      '[ -n "$ip" ] && { ip addr replace $ip/$mask dev eth0; ip route replace default via $router; }',
    );
    const argv = ['udhcpc', '-i', 'eth0', '-f', '-q', '-n', '-t', '5', '-s', hook.script];
    await network.output(vm, argv, { timeoutMs: HANG_MS });
    expect(hook.last('ip')).toMatchObject({ ip: ADDRESS4, mask: '24', router: GATEWAY4, serverid: GATEWAY4 });
    expect(await network.ping(vm, '10.0.0.11')).toMatchObject({ received: 1 });
  });

  it('finds its router by an advertisement, and the router answers neighbour solicitations', async () => {
    expect(await network.output('red', ['rdisc6', '-1', '-w', '5000', 'eth0'])).toContain('from fe80::1');
    expect(await network.ip('red', '-6 route show default')).toContain('default via fe80::1 dev eth0 proto ra');
    expect(await network.output('red', ['ndisc6', '-1', '-w', '5000', 'fe80::1', 'eth0'])).toContain(
      'Target link-layer address',
    );
    await network.ip('red', 'addr replace fd00:10::a/128 dev eth0 nodad');
    expect(await network.ping('red', 'fd00:10::b')).toMatchObject({ received: 1 });
  });

  it('leaves the node without drift', async () => {
    expect(await network.diff('hv1')).toEqual([]);
  });
});
