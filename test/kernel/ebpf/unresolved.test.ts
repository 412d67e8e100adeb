/**
 * `segue apply` ends when packets can pass, or names the nodes that cannot be reached: directly after the uplinks are
 * up, as at boot, and with silent neighbours.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { ROOT } from '../libbpf/harness.js';
import type { Ended } from '../../../lab/process.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
const SEGUE = join(ROOT, 'bin/segue');

describe('next hops of the underlay, ebpf', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), async (made) => {
    await made.applyAll();
    made.files();
  });
  const segue = (command: string): Promise<Ended> =>
    network.run('hv1', [SEGUE, command, '-c', join(network.directory, 'hv1.yaml')]);
  /** As after a boot: the link-local address that neighbours are solicited from is tentative. */
  const bringUp = (): Promise<string> =>
    network.shell(
      'hv1',
      `addresses=$(ip -o -6 address show dev eth0 scope global | awk '{ print $4 }')
       routes=$(ip -6 route show | grep via)
       for scope in all default eth0; do echo 1 >/proc/sys/net/ipv6/conf/$scope/accept_dad; done
       ip link set eth0 down
       ip link set eth0 up
       for address in $addresses; do ip address add $address dev eth0; done
       while read -r route; do ip -6 route replace $route; done <<<"$routes"
       ip -6 address show dev eth0 scope link | grep tentative`,
    );

  it('are resolved when apply ends, directly after the uplinks are up', async () => {
    await bringUp();
    // In this process: a new one takes as long to start as duplicate address detection does.
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    expect(await network.ping('t100-1', '10.0.0.2')).toMatchObject({ received: 1 });
  });

  it.each([
    ['a silent neighbour', 'via fe80::99 dev eth0 onlink', 'no answer from fe80::99 dev eth0'],
    ['no route', '', 'no usable route'],
  ])('that are missing are named by apply and diff: %s', async (_name, route, reason) => {
    await network.shell('hv1', 'ip -6 route flush dev eth0 type unicast');
    if (route !== '') await network.ip('hv1', `-6 route add fd00:5e:2::/48 ${route}`);
    for (const command of ['apply', 'diff']) {
      expect(await segue(command), command).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`hv2 cannot be reached: ${reason}`) as string,
      });
    }
  });
});
