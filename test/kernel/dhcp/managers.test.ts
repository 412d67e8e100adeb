/**
 * Network managers of stock guests, unmodified, in the VM's namespace with their own mounts, host name and processes:
 * dhcpcd, systemd-networkd and NetworkManager. Two tenants with the same MAC and IP addresses use them at once.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Dhcp4Layout, Dhcp4Lease } from '../../../src/ebpf/generated/layouts.js';
import { findHeader } from '../../../src/packet/headers.js';
import { useNetwork } from '../../netns/lib/network.js';
import { countsOf } from './counts.js';
import * as cloud from './cloud.js';

const { ADDRESS4, ADDRESS6, DNS4, DNS6, GATEWAY4, MTU, SUBNET4, SUBNET6 } = cloud;
const HANG_MS = 300_000;
const HOST_ROUTES = {
  ...SUBNET4,
  dhcp: { ...SUBNET4.dhcp, lease: 600, netmask: 'host' as const, routes: [{ to: '10.9.0.0/16', via: GATEWAY4 }] },
};
/** Seconds, in steps of a tenth. */
const waitFor = (what: string): string =>
  `for i in $(seq 900); do ${what} && break; sleep 0.1; done; ${what} || { ip addr show eth0 >&2; tail -n 60 /run/log >&2; exit 1; }`;
const BOTH_ADDRESSES = `ip -4 addr show eth0 | grep -c ${ADDRESS4}/ >/dev/null && ip -6 addr show eth0 | grep -c ${ADDRESS6}/ >/dev/null`;

interface Address {
  local: string;
  prefixlen: number;
  dynamic?: boolean;
}

describe('network managers', { timeout: HANG_MS }, () => {
  const subnets = { red: [SUBNET4, SUBNET6], blue: [HOST_ROUTES, SUBNET6] };
  const network = useNetwork(cloud.twins('ebpf', subnets), async (made) => {
    const intent = cloud.withPorts(made.intent(), { red: { hostname: 'red-a' }, blue: { hostname: 'blue-a' } });
    for (const node of ['hv1', 'hv2']) await made.apply(node, intent);
  });

  /** Runs a script as the first process of a guest: when it ends, so does all that it started. */
  const guest = async (vm: string, script: string): Promise<string> => {
    await cloud.forget(network, vm);
    const sets = ['mount --make-rprivate /', 'mount -t tmpfs none /run', 'mount -t tmpfs none /var/lib/dhcpcd'];
    // With a /sys that can be written, systemd-networkd and NetworkManager wait for udev.
    sets.push('mount -o remount,bind,ro /sys');
    const own = ['unshare', '--mount', '--uts', '--pid', '--fork', '--mount-proc', '--kill-child'];
    const argv = [...own, 'bash', '-euo', 'pipefail', '-c', [...sets, script].join('\n')];
    return network.output(vm, argv, { timeoutMs: HANG_MS });
  };
  const addressesOf = async (vm: string): Promise<string[]> => {
    const [link] = JSON.parse(await network.ip(vm, '-j addr show dev eth0')) as { addr_info: Address[] }[];
    return (link?.addr_info ?? [])
      .filter(({ dynamic }) => dynamic === true)
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  };
  const reaches = async (vm: string): Promise<void> => {
    for (const to of ['10.0.0.11', 'fd00:10::b'])
      expect(await network.ping(vm, to), `${vm} to ${to}`).toMatchObject({ received: 1 });
  };

  const dhcpcd = async (vm: string, hook: cloud.Hook): Promise<void> => {
    const conf = join(network.directory, `${vm}-dhcpcd.conf`);
    const wanted =
      'option domain_name_servers, domain_name, domain_search, host_name, interface_mtu, ntp_servers, classless_static_routes';
    writeFileSync(conf, `${wanted}\noption rapid_commit\nclientid\nnoarp\n`);
    await guest(
      vm,
      `dhcpcd -f ${conf} -c ${hook.script} -B eth0 >/run/log 2>&1 &
      ${waitFor(BOTH_ADDRESSES)}
      ${waitFor(`grep -q 'reason=BOUND6' ${hook.log} && grep -q 'reason=BOUND\t' ${hook.log}`)}
      kill -KILL $!`,
    );
  };

  const networkd = async (vm: string): Promise<string> => {
    const folder = join(network.directory, `${vm}-networkd`);
    mkdirSync(folder);
    writeFileSync(
      join(folder, '10-eth0.network'),
      '[Match]\nName=eth0\n[Network]\nDHCP=yes\nIPv6AcceptRA=yes\n[DHCPv4]\nUseMTU=yes\nUseDomains=yes\nUseHostname=no\n[DHCPv6]\nUseDomains=yes\n[IPv6AcceptRA]\nUseDomains=yes\n',
    );
    return guest(
      vm,
      `mkdir -p /run/systemd/network /run/systemd/netif/leases /run/systemd/netif/links
      cp ${folder}/* /run/systemd/network; chmod -R a+rX /run/systemd; chown -R systemd-network /run/systemd/netif
      /lib/systemd/systemd-networkd >/run/log 2>&1 & child=$!
      ${waitFor(`${BOTH_ADDRESSES} && grep -q "^NTP=.*123" /run/systemd/netif/links/2 /run/systemd/netif/links/* && grep -q "^OPER_STATE=routable" /run/systemd/netif/links/*`)}
      cat /run/systemd/netif/leases/* /run/systemd/netif/links/*; echo; ip route; ip -6 route; kill -KILL $child`,
    );
  };

  const networkManager = (vm: string): Promise<string> => {
    const main = '[main]\nplugins=keyfile\ndhcp=internal\nno-auto-default=*\nrc-manager=unmanaged\nauth-polkit=false\n';
    const keyfile = '[keyfile]\npath=/run/NetworkManager/system-connections\n';
    const profile = `[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=auto\ndhcp-client-id=mac\n[ipv6]\nmethod=auto\naddr-gen-mode=eui64\n`;
    return guest(
      vm,
      `mount -t tmpfs none /var/lib/NetworkManager
      mkdir -p /run/dbus /run/NetworkManager/system-connections
      dbus-daemon --system --fork --nopidfile
      printf '${(main + keyfile).replaceAll('\n', '\\n')}' >/run/nm.conf
      (umask 077; printf '${profile.replaceAll('\n', '\\n')}' >/run/NetworkManager/system-connections/eth0.nmconnection)
      NetworkManager --no-daemon --config=/run/nm.conf --config-dir=/run/none --pid-file=/run/nm.pid >/run/log 2>&1 & child=$!
      ${waitFor(`${BOTH_ADDRESSES} && nmcli -t -f GENERAL.STATE dev show eth0 2>&1 | grep -c '100 (connected)' >/dev/null`)}
      nmcli -t -f all dev show eth0; kill -KILL $child`,
    );
  };

  it('dhcpcd at red and systemd-networkd at blue configure their VMs at once', async () => {
    const hook = new cloud.Hook(network, 'dhcpcd');
    const [, said] = await Promise.all([dhcpcd('red', hook), networkd('blue')]);
    expect(hook.last('new_ip_address')).toMatchObject({
      ...{ new_ip_address: ADDRESS4, new_subnet_cidr: '24', new_routers: GATEWAY4, new_interface_mtu: String(MTU) },
      ...{ new_domain_name_servers: `${DNS4} 10.0.0.53`, new_domain_name: 'red.example', new_host_name: 'red-a' },
      ...{ new_domain_search: 'red.example example', new_ntp_servers: '169.254.169.123', new_dhcp_lease_time: '3600' },
    });
    expect(hook.last('new_dhcp6_ia_na1_ia_addr1')).toMatchObject({
      ...{ new_dhcp6_ia_na1_ia_addr1: ADDRESS6, new_dhcp6_name_servers: DNS6, new_dhcp6_domain_search: 'red.example' },
      // Two messages did.
      new_dhcp6_rapid_commit: '',
    });
    expect(await addressesOf('red')).toEqual(expect.arrayContaining([`${ADDRESS4}/24`, `${ADDRESS6}/128`]));
    await reaches('red');

    for (const line of [
      `ADDRESS=${ADDRESS4}`,
      'NETMASK=255.255.255.255',
      `ROUTER=${GATEWAY4}`,
      `SERVER_ADDRESS=${GATEWAY4}`,
      `MTU=${MTU}`,
      'LIFETIME=600',
      'HOSTNAME=blue-a',
      `NTP=169.254.169.123`,
    ])
      expect(said).toContain(`\n${line}\n`);
    expect(said).toMatch(/^DNS=.*169\.254\.169\.253 10\.0\.0\.53.*fd00:ec2::253/m);
    // Option 121, and not option 3 beside it.
    expect(said).toMatch(/^10\.9\.0\.0\/16 via 10\.0\.0\.1 dev eth0 proto dhcp/m);
    expect(said).toMatch(/^default via fe80::1 dev eth0 proto ra/m);
    expect(await addressesOf('blue')).toEqual(expect.arrayContaining([`${ADDRESS4}/32`, `${ADDRESS6}/128`]));
  });

  it('NetworkManager configures both VMs', async () => {
    const said = await Promise.all([networkManager('red'), networkManager('blue')]);
    for (const [index, [mask, hostname, lease]] of [
      ['24', 'red-a', '3600'],
      ['32', 'blue-a', '600'],
    ].entries()) {
      const lines = said[index]?.split('\n') ?? [];
      const values = lines.map((line) => line.slice(line.indexOf(':') + 1));
      expect(values).toEqual(expect.arrayContaining([`${ADDRESS4}/${mask}`, `${ADDRESS6}/128`, 'fe80::1', DNS4, DNS6]));
      for (const option of [
        `host_name = ${hostname}`,
        `dhcp_lease_time = ${lease}`,
        `interface_mtu = ${MTU}`,
        'ntp_servers = 169.254.169.123',
        'domain_search = red.example example',
        `dhcp_server_identifier = ${GATEWAY4}`,
        `ip6_address = ${ADDRESS6}`,
      ])
        expect(values).toContain(option);
    }
    for (const vm of ['red', 'blue']) await reaches(vm);
  });

  /** Renewal after 8 s, rebinding after 16: of an intent's shortest lease they are 30 and 52. */
  const shortenLease = (device: string): void => {
    const { fastpath, links } = network.instance('hv1').kernel;
    const key = Buffer.alloc(4);
    key.writeUInt32LE(links.get(device)?.index ?? 0);
    const value = fastpath.maps?.sg_dhcp4.lookup(key);
    if (value === undefined) throw new Error(`${device} has no lease`);
    const at = Dhcp4Lease.OFFSETS.message + Dhcp4Layout.DHCP4_TIMES_AT;
    for (const [index, seconds] of [60, 8, 16].entries()) value.writeUInt32BE(seconds, at + 6 * index + 2);
    fastpath.maps?.sg_dhcp4.update(key, value);
  };

  it('dhclient renews by unicast, and by broadcast without a reply (REBINDING)', async () => {
    await cloud.forget(network, 'red');
    const file = (name: string): string => join(network.directory, name);
    writeFileSync(file('renew.conf'), '');
    shortenLease('red');
    const hook = new cloud.Hook(
      network,
      'dhclient-renew',
      `[ -n "$new_ip_address" ] && ip addr replace $new_ip_address/24 dev eth0`,
    );
    const before = countsOf(network.instance('hv1'));
    const capture = await network.capture('red', 'eth0', 'udp port 67');
    await network.shell(
      'red',
      `dhclient -4 -d -cf ${file('renew.conf')} -sf ${hook.script} -lf ${file('renew.leases')} -pf ${file('renew.pid')} eth0 >${file('renew.log')} 2>&1 & child=$!
      renewed() { for i in $(seq 240); do [ $(grep -c reason=RENEW ${hook.log}) -ge $1 ] && return; sleep 0.5; done; cat ${file('renew.log')} >&2; kill $child; exit 1; }
      renewed 1
      nft 'table ip lost { chain out { type filter hook output priority 0; ip daddr ${GATEWAY4} udp dport 67 drop; }; }'
      renewed $(($(grep -c reason=RENEW ${hook.log}) + 1))
      nft delete table ip lost; kill $child; wait $child || true`,
      { timeoutMs: HANG_MS },
    );
    const seen = (await capture.stop()).map(({ headers }) => {
      const ip = findHeader(headers, 'ipv4');
      return `${ip?.source} > ${ip?.destination}`;
    });
    expect(hook.calls().map(({ reason }) => reason)).toEqual(expect.arrayContaining(['BOUND', 'RENEW']));
    const asked = [`${ADDRESS4} > ${GATEWAY4}`, `${ADDRESS4} > 255.255.255.255`];
    expect(seen).toEqual(expect.arrayContaining([...asked, `${GATEWAY4} > ${ADDRESS4}`]));
    expect((countsOf(network.instance('hv1'))['dhcp nak'] ?? 0) - (before['dhcp nak'] ?? 0)).toBe(0);
    expect(readFileSync(file('renew.leases'), 'utf8')).toContain(`fixed-address ${ADDRESS4};`);
  });
});
