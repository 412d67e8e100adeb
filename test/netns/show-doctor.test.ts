import { describe, expect, it } from 'vitest';
import { runChecks } from '../../src/observe/doctor/doctor.js';
import { unplugVm } from '../../lab/network.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { Check, Diagnosis } from '../../src/observe/doctor/types.js';
import { scopeTo } from '../../src/app/intent.js';

describe('doctor', () => {
  const network = useNetwork(selftestTopology());
  const examine = (intent = network.intent()): Promise<Diagnosis> =>
    runChecks({
      instance: network.instance('hv1'),
      file: '/run/none.yaml',
      defaultFile: '/etc/segue/node.yaml',
      intent: scopeTo(intent, network.netns('hv1')),
      intentError: undefined,
    });
  const ill = ({ checks }: Diagnosis): string[] =>
    checks.filter(({ status }) => status !== 'ok').map(({ status, name }) => `${status} ${name}`);
  const find = ({ checks }: Diagnosis, name: string): Check | undefined => checks.find((check) => check.name === name);

  /** What is so on every node of these tests: no agent runs, and 1,500 bytes of underlay give 1,460 to tenants. */
  const USUAL = ['warn uplink.tenant-mtu', 'warn agent.running'];

  it('finds no fault on a node that segue has programmed', async () => {
    const diagnosis = await examine();
    expect(ill(diagnosis)).toEqual(USUAL);
    expect(diagnosis).toMatchObject({ fail: 0, warn: 2 });
    expect(diagnosis.checks.filter(({ group }) => group === 'kernel').length).toBeGreaterThan(10);
  });

  interface Illness {
    what: string;
    script: string;
    cure: string;
    found: string[];
    /** what the check says */
    says: RegExp;
    /** whether pings from t100-2 to t100-1 over IPv4 get through meanwhile */
    pings: boolean;
  }
  const ILLNESSES: Illness[] = [
    {
      what: 'strict reverse path filter',
      script: 'echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter',
      cure: 'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter',
      found: ['warn sysctl.rp-filter'],
      says: /rp_filter is on for sg-100, sg-200, t100-1, t200-3 \(conf.all = 1\)/,
      // The way back to a remote member is by its VRF: the strict filter lets members pass.
      pings: true,
    },
    {
      what: 'forwarding off',
      script: 'echo 0 > /proc/sys/net/ipv6/conf/all/forwarding',
      cure: '',
      found: ['fail sysctl.forwarding', 'warn agent.drift'],
      says: /net.ipv6.conf.all.forwarding = 0, expected 1/,
      pings: false,
    },
    {
      what: "a firewall's FORWARD policy",
      script:
        'nft add table ip filter; nft "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"',
      cure: 'nft delete table ip filter',
      found: ['warn firewall.forward'],
      says: /nft chain ip filter FORWARD has policy drop: iptables/,
      pings: false,
    },
    {
      what: 'no tunnel source',
      script: 'ip sr tunsrc set ::',
      cure: '',
      found: ['fail underlay.tunsrc', 'warn agent.drift'],
      says: /no sr tunsrc/,
      // The kernel takes an address of the uplink, which is no node's source.
      pings: false,
    },
    {
      what: 'no discard of the node’s locator',
      script: 'ip -6 rule del pref 32764',
      cure: '',
      found: ['fail underlay.locator', 'warn agent.drift'],
      says: /no rule of pref 32764 for the own locator fd00:5e:1::\/48/,
      pings: true,
    },
    {
      what: 'no route to the other node',
      script: 'ip -6 route add blackhole fd00:5e:2::/48',
      cure: 'ip -6 route del blackhole fd00:5e:2::/48',
      found: ['fail underlay.routes'],
      says: /no route to 1 of 1 other node: .*-hv2 fd00:5e:2::\/48 \(EINVAL\)/,
      pings: false,
    },
    {
      what: 'a small MTU of the uplink',
      script: 'ip link set eth0 mtu 1300',
      cure: 'ip link set eth0 mtu 1500',
      found: ['fail uplink.tenant-mtu', 'warn agent.drift', 'warn agent.limits', 'warn agent.limits'],
      says: /tenant MTU 1260 < 1280/,
      pings: true,
    },
    {
      what: 'slow proxy ARP',
      script: 'echo 80 > /proc/sys/net/ipv4/neigh/t100-1/proxy_delay',
      cure: '',
      found: ['warn sysctl.proxy-delay', 'warn agent.drift'],
      says: /proxy_delay is not 0 on t100-1/,
      pings: true,
    },
    {
      what: 'a host that ignores ARP',
      script: 'echo 8 > /proc/sys/net/ipv4/conf/all/arp_ignore',
      cure: 'echo 0 > /proc/sys/net/ipv4/conf/all/arp_ignore',
      found: ['fail sysctl.arp-ignore'],
      says: /arp_ignore is above 1 on t100-1/,
      // Members are answered for by proxy ARP; the gateway is not, and the VM has its address from before.
      pings: true,
    },
  ];

  it.each(ILLNESSES)('$what', async ({ script, cure, found, says, pings }) => {
    await network.shell('hv1', script);
    try {
      const diagnosis = await examine();
      const usual = found.includes('fail uplink.tenant-mtu') ? ['warn agent.running'] : USUAL;
      expect(ill(diagnosis).sort()).toEqual([...found, ...usual].sort());
      expect(find(diagnosis, found[0]?.split(' ')[1] ?? '')?.what).toMatch(says);
      expect(await network.ping('t100-2', '10.0.0.1')).toMatchObject({ sent: 1, received: pings ? 1 : 0 });
    } finally {
      if (cure !== '') await network.shell('hv1', cure);
      await network.apply('hv1');
    }
    expect(ill(await examine())).toEqual(USUAL);
    expect(await network.ping('t100-2', '10.0.0.1')).toMatchObject({ received: 1 });
  });

  it('names ports whose interface does not exist', async () => {
    unplugVm(network.topology, network.vm('t200-3'));
    const diagnosis = await examine();
    expect(find(diagnosis, 'agent.ports')).toMatchObject({
      status: 'warn',
      what: '1 of 2 interfaces do not exist: t200-3 (t200-3)',
    });
  });
});
