import { describe, expect, it } from 'vitest';
import { AgentRun } from './lib/agent-run.js';
import { driftTopology } from './lib/drift-cases.js';
import { useNetwork } from './lib/network.js';
import { differencesOf, QUIET, snapshot } from './lib/snapshot.js';

/**
 * What others have on hv1, as close to ours as it can be: a VRF, next hops in our range, rules of our priorities, tables
 * of our name in another family, routes in a tenant's table.
 */
const FOREIGN = `${QUIET}
ip link add fx-vrf type vrf table 4242
ip link set fx-vrf alias 'customer 7' up
ip link add fx0 type dummy
ip link set fx-vrf alias segue:theirs
ip link set fx0 master fx-vrf up
ip link add fx1 type dummy
ip link set fx1 up
ip link add fx-br type bridge
ip link set fx-br up
ip address add 192.0.2.1/24 dev fx1
ip address add 2001:db8:1::1/64 dev fx1 nodad
ip address add 198.51.100.1/24 dev fx0
ip route add 203.0.113.0/24 via 192.0.2.9 dev fx1 proto static
ip -6 route add 2001:db8:2::/48 via 2001:db8:1::9 dev fx1 proto static
ip route add blackhole 10.66.0.0/16 table 4242
ip route add 10.67.0.0/16 dev fx0 table 4242 proto 94
ip -6 route add blackhole fd00:77::/48 proto 94
ip -6 rule add pref 991 to 2001:db8:9:1::/64 unreachable proto 94
ip neigh add 198.51.100.50 lladdr 02:00:00:00:0f:01 nud permanent dev fx0 protocol 94
ip -6 route add 2001:db8:3::/48 encap seg6 mode encap segs 2001:db8:1::7 dev fx1
ip -6 route add blackhole fd00:5e:1:4600:6500::/80 proto static
ip rule add pref 990 from 192.0.2.0/24 lookup 4242
ip -6 rule add pref 990 from 2001:db8:1::/64 lookup 4242
ip -6 rule add pref 991 to 2001:db8:9::/64 unreachable
ip rule add pref 32765 from 192.0.2.128/25 lookup main
ip nexthop add id 7 via 192.0.2.9 dev fx1
ip nexthop add id 1577058304 via 192.0.2.9 dev fx1 proto static
ip nexthop add id 1577058306 blackhole
ip neigh add 192.0.2.50 lladdr 02:00:00:00:0f:01 nud permanent dev fx1
ip -6 neigh add 2001:db8:1::50 lladdr 02:00:00:00:0f:01 nud permanent dev fx1
ip -6 neigh add proxy 2001:db8:1::51 dev fx1
ip neigh add proxy 192.0.2.51 dev fx1
nft -f - <<'X'
table ip segue {
  set ports { type ifname; elements = { "fx1" }; }
  chain c { type filter hook input priority 0; iifname @ports counter drop comment "theirs"; }
}
table inet segue2 {
  chain prerouting { type filter hook prerouting priority raw; iifname "fx1" notrack; }
}
table inet filter {
  chain forward { type filter hook forward priority filter; iifname "fx1" ct state established accept; }
}
X
echo 2 >/proc/sys/net/ipv4/conf/fx1/rp_filter
echo 1 >/proc/sys/net/ipv4/conf/fx1/proxy_arp
echo 7 >/proc/sys/net/ipv6/conf/fx1/dad_transmits
echo 55 >/proc/sys/net/ipv4/neigh/fx1/proxy_delay
`;
/** In a tenant's table, once it is there: left alone while the VRF stands. */
const IN_TENANT_TABLE = `
ip route add 10.88.0.0/16 dev sg-100 table 1577058404 proto static
ip -6 route add cafe:88::/64 dev sg-100 table 1577058404 proto static
`;

/** What segue changes of what was there before, each named in the design: ports, rule 0, tunsrc, listed sysctls. */
const SHARED = [
  /^link .*"ifname":"t(100-1|200-3)"/,
  /^address .*"ifname":"t(100-1|200-3)"/,
  /^address .*"ifname":"lo"/,
  /^route[46] .*"dev":"t(100-1|200-3)"/,
  /^rule[46] \{"priority":0,/,
  /^tunsrc /,
  /^sysctl ipv[46]\/(conf|neigh)\/t(100-1|200-3)\//,
  /^sysctl ipv6\/conf\/[^/]+\/forwarding:/,
  /^sysctl ipv6\/conf\/eth0\/accept_ra:/,
  /^sysctl ipv6\/seg6_flowlabel:/,
  /^sysctl vrf\/strict_mode:/,
];

describe("other programs' objects", () => {
  const network = useNetwork(driftTopology(), async (built) => {
    await built.shell('hv1', FOREIGN);
  });
  const touched = (gone: string[]): string[] => gone.filter((object) => !SHARED.some((shared) => shared.test(object)));

  it('stay unchanged through apply, a running agent and purge', async () => {
    const before = await snapshot(network, 'hv1');
    await network.apply('hv1');
    const applied = await snapshot(network, 'hv1');
    expect(touched(differencesOf(before, applied).gone)).toEqual([]);

    await network.shell('hv1', IN_TENANT_TABLE);
    const added = differencesOf(applied, await snapshot(network, 'hv1')).come;
    expect(added.length).toBeGreaterThanOrEqual(2);
    expect(await network.diff('hv1')).toEqual([]);

    // The agent looks at everything, repairs, and leaves the same things alone.
    const run = await AgentRun.start(network, 'hv1', { sweepSeconds: 1 });
    try {
      const from = run.lines.length;
      await network.shell(
        'hv1',
        'ip link set t100-1 nomaster; nft delete table inet segue; ip -6 rule del pref 991 to fd00:5e::/32',
      );
      await run.repaired(() => network.diff('hv1'), from);
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await run.agent.idle();
    } finally {
      await run.stop();
    }
    const { gone, come } = differencesOf([...applied, ...added].sort(), await snapshot(network, 'hv1'));
    expect({ gone, come }).toEqual({ gone: [], come: [] });

    expect((await network.purge('hv1')).failures).toEqual([]);
    expect(differencesOf(before, await snapshot(network, 'hv1'))).toEqual({ gone: [], come: [] });
  });
});

describe('other programs’ devices where segue’s belong', () => {
  const network = useNetwork(driftTopology(), async (built) => {
    await built.shell('hv1', QUIET);
    await built.shell('hv1', 'ip link add fx-br type bridge; ip link set fx-br up; ip link set t100-1 master fx-br');
    await built.shell('hv1', 'ip link add sg-200 type dummy');
  });

  it('a port with a foreign master and a device with a VRF’s name are refused, and all else is applied', async () => {
    const before = await snapshot(network, 'hv1');
    const mine = /"ifname":"(t100-1|sg-200|fx-br)"|"dev":"(t100-1|sg-200|fx-br)"/;
    await expect(network.apply('hv1')).rejects.toThrow(
      /port t100-1 master sg-100 mtu 1460: interface t100-1 is a member of fx-br, which is not segue's/,
    );
    await expect(network.apply('hv1')).rejects.toThrow(
      /vrf sg-200 table 1577058504: device sg-200 exists and is not segue's \(dummy\): expected no device of that name/,
    );
    const after = await snapshot(network, 'hv1');
    const { gone, come } = differencesOf(before, after);
    // Whoever turns forwarding on gets the kernel's anycast addresses everywhere (RFC 4291, section 2.6.1).
    const altered = [...gone, ...come].filter((object) => mine.test(object) && !object.includes('"type":"anycast"'));
    expect(altered).toEqual([]);
    // Tenant 100 has its VRF, its SID and its remote members all the same.
    const left = await network.diff('hv1');
    expect(left.map(({ object }) => object)).toEqual([
      'vrf sg-200 table 1577058504',
      'port t100-1 master sg-100 mtu 1460',
      // It hangs on the VRF that could not be made.
      'fast path program ndp_responder_tc tcx/ingress dev t200-3',
      // Held back while something fails.
      'announcement blackhole fd00:5e:1::/48 table 254',
    ]);
    expect(await network.ip('hv1', 'route show table 1577058404')).toMatch(/10\.0\.0\.2 nhid/);

    await network.shell('hv1', 'ip link set t100-1 nomaster; ip link del sg-200');
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
  });
});
