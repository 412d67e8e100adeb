/** The metadata service for VMs: two tenants whose VMs differ only in their ports. No agent runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { outputOf, runIn } from '../../../lab/process.js';
import { scopeTo } from '../../../src/app/intent.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { trace } from '../../../src/observe/trace/trace.js';
import { servicePrefixOf } from '../../../src/service/address.js';
import { countsOf } from '../dhcp/counts.js';
import { useNetwork } from '../../netns/lib/network.js';
import {
  ask,
  BLUE_KEY,
  cloud,
  findingsOf,
  intentOf,
  METADATA4,
  METADATA6,
  METADATA_LINK,
  RED_KEY,
  serve,
  servicesOf,
  USER_DATA,
} from './cloud.js';
import type { MetadataProcess } from '../../../src/metadata/process.js';

const HANG_MS = 300_000;
const VMS = ['red', 'blue'] as const;
const EC2 = `http://${METADATA4}/latest`;
const OPENSTACK = `http://${METADATA4}/openstack/latest`;

/** Asks again and again from one source port, at once with the other VM; what is not the VM's own is printed. */
const SAME_PORT = `
import socket, struct, sys
wanted, times = sys.argv[1], int(sys.argv[2])
for _ in range(times):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        s.settimeout(60)
        s.bind(('10.0.0.10', 45000))
        s.connect(('169.254.169.254', 80))
        s.sendall(b'GET /latest/meta-data/instance-id HTTP/1.0\\r\\n\\r\\n')
        said = b''
        while part := s.recv(65536): said += part
    if not said.endswith(b'\\r\\n\\r\\n' + wanted.encode()): print(said)
print('done')
`;

/** Opens a connection from the service's port, as a service that somebody broke into would. */
const OPEN = `
import socket, sys
with socket.socket(socket.AF_INET6) as s:
    s.settimeout(1)
    s.setsockopt(socket.IPPROTO_IPV6, 78, 1) # IPV6_FREEBIND
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((sys.argv[1], 80))
    try: s.connect((sys.argv[2], 22))
    except TimeoutError: pass
`;

describe('metadata of two tenants with the same addresses', { timeout: HANG_MS }, () => {
  const network = useNetwork(cloud('ebpf'), async (made) => {
    for (const node of ['hv1', 'hv2']) await made.apply(node, intentOf(made));
  });
  let service: MetadataProcess;
  beforeAll(async () => {
    service = await serve(network);
  });
  afterAll(() => {
    service.close();
  });
  const counts = (): Record<string, number> => countsOf(network.instance('hv1'));
  const rises = async (slug: string, act: () => Promise<unknown>): Promise<void> => {
    const before = counts()[slug] ?? 0;
    await act();
    expect(counts()[slug] ?? 0, slug).toBeGreaterThan(before);
  };
  const prefix = (): string => servicePrefixOf(network.netns('hv1')).replace('::/32', '');

  it.each([METADATA4, `[${METADATA6}]`, `[${METADATA_LINK}%25eth0]`])('%s serves each VM its own', async (address) => {
    for (const vm of VMS) {
      const { status, text } = await ask(network, vm, `http://${address}/latest/meta-data/instance-id`);
      expect({ status, text }).toEqual({ status: 200, text: `inst-${vm}` });
    }
  });

  it('serves each VM its own at the same address and source port at once', async () => {
    const script = join(network.directory, 'same-port.py');
    writeFileSync(script, SAME_PORT);
    const said = await Promise.all(
      VMS.map((vm) => network.output(vm, ['python3', script, `inst-${vm}`, '300'], { timeoutMs: HANG_MS })),
    );
    expect(said).toEqual(['done\n', 'done\n']);
  });

  it('has the OpenStack format', async () => {
    const red = JSON.parse((await ask(network, 'red', `${OPENSTACK}/meta_data.json`)).text) as object;
    expect(red).toMatchObject({
      uuid: 'inst-red',
      project_id: 'project-red',
      hostname: 'red-a.red.example',
      public_keys: { 'key-0': RED_KEY },
    });
    const told = JSON.parse((await ask(network, 'red', `${OPENSTACK}/network_data.json`)).text) as object;
    expect(told).toMatchObject({
      links: [{ ethernet_mac_address: '02:00:00:00:00:0a', mtu: 1460 }],
      networks: [{ type: 'ipv4_dhcp' }, { type: 'ipv6_dhcpv6-stateful' }],
    });
    expect(await ask(network, 'red', `${OPENSTACK}/user_data`)).toEqual({ status: 200, text: USER_DATA });
    expect(await ask(network, 'blue', `${OPENSTACK}/user_data`)).toMatchObject({ status: 404 });
  });

  it('has the EC2 format, with a token for each port', async () => {
    expect((await ask(network, 'blue', `${EC2}/meta-data/`)).text.split('\n')).toContain('public-keys/');
    expect((await ask(network, 'blue', `${EC2}/meta-data/public-keys/`)).text).toBe('0=key-0');
    expect((await ask(network, 'blue', `${EC2}/meta-data/public-keys/0/openssh-key`)).text).toBe(BLUE_KEY);
    expect((await ask(network, 'red', `${EC2}/user-data`)).text).toBe(USER_DATA);
    const ttl = 'X-aws-ec2-metadata-token-ttl-seconds: 60';
    const token = await ask(network, 'red', `${EC2}/api/token`, '-X', 'PUT', '-H', ttl);
    expect(token.status).toBe(200);
    const withToken = (vm: string, value: string): Promise<{ status: number; text: string }> =>
      ask(network, vm, `${EC2}/meta-data/instance-id`, '-H', `X-aws-ec2-metadata-token: ${value}`);
    expect(await withToken('red', token.text)).toEqual({ status: 200, text: 'inst-red' });
    expect(await withToken('blue', token.text)).toMatchObject({ status: 401 });
    expect(await withToken('red', `${token.text.slice(0, -2)}AA`)).toMatchObject({ status: 401 });
    const forwarded = await ask(network, 'red', `${EC2}/api/token`, '-X', 'PUT', '-H', ttl, '-H', 'X-Forwarded-For: 1');
    expect(forwarded).toMatchObject({ status: 403 });
  });

  it('rejects invalid requests, and continues to serve', async () => {
    expect(await ask(network, 'red', `${EC2}/none`)).toMatchObject({ status: 404 });
    expect(await ask(network, 'red', `${EC2}/api/token`, '-X', 'PUT')).toMatchObject({ status: 400 });
    expect(await ask(network, 'red', `${EC2}/meta-data/`, '-X', 'DELETE')).toMatchObject({ status: 405 });
    expect(await ask(network, 'red', `http://${METADATA4}/latest/../../etc/passwd`, '--path-as-is')).toMatchObject({
      status: 404,
    });
    expect(await ask(network, 'red', `${EC2}/__proto__/constructor`)).toMatchObject({ status: 404 });
    expect(await ask(network, 'red', EC2, '-H', `Long: ${'x'.repeat(70_000)}`)).toMatchObject({ status: 431 });
    expect(await ask(network, 'red', EC2, '--request-target', 'http://127.0.0.1/')).toMatchObject({ status: 400 });
    expect(await ask(network, 'red', `${EC2}/meta-data/instance-id`)).toMatchObject({ status: 200 });
  });

  it('answers pings, and drops packets for other ports', async () => {
    for (const to of [METADATA4, METADATA6]) expect(await network.ping('red', to)).toMatchObject({ received: 1 });
    for (const to of [METADATA4, METADATA6]) {
      await rises('no service', () => network.shell('red', `echo x >/dev/udp/${to}/80`));
      await rises('no service', () =>
        network.run('red', ['curl', '-sg', '--max-time', '1', `http://[${to}]:22/`.replace(/\[([\d.]+)\]/, '$1')]),
      );
    }
    // In fragments.
    await rises('no service', () => network.shell('red', `head -c 3000 /dev/zero >/dev/udp/${METADATA4}/80`));
  });

  it('drops requests from an address that is not the port’s', async () => {
    await network.ip('red', 'addr add 10.0.0.99/32 dev eth0');
    await rises('source address', () =>
      network.run('red', ['curl', '-s', '--max-time', '1', '--interface', '10.0.0.99', EC2]),
    );
    await network.ip('red', 'addr del 10.0.0.99/32 dev eth0');
  });

  it("drops requests by the node's own prefix from VMs and hosts", async () => {
    const inside = `http://[${prefix()}:8000:1::]/latest/meta-data/instance-id`;
    await rises('domain address', () => network.run('red', ['curl', '-sg', '--max-time', '1', inside]));
    // As a host would that wants to: with an address of a port's, a route and a neighbour.
    await network.shell(
      'hv1',
      `sysctl -qw net.ipv6.conf.segue-svc.disable_ipv6=0
      ip -6 addr add ${prefix()}:0:7::1/128 dev segue-svc nodad
      ip -6 route add ${prefix()}:8000::/33 dev segue-svc
      ip -6 neigh add ${prefix()}:8000:1:: lladdr 02:73:67:fe:00:02 dev segue-svc nud permanent`,
    );
    await rises('domain address', async () => {
      expect((await network.run('hv1', ['curl', '-sg', '--max-time', '1', inside])).status).not.toBe(0);
    });
    expect((await network.diff('hv1', intentOf(network))).map(({ kind }) => kind)).toContain('service-link');
    await network.apply('hv1', intentOf(network));
    expect(await network.diff('hv1', intentOf(network))).toEqual([]);
    expect((await ask(network, 'red', `${EC2}/meta-data/instance-id`)).text).toBe('inst-red');
  });

  it("drops connections that the services' namespace opens", async () => {
    // Its port is to be had.
    service.close();
    const { kernel } = network.instance('hv1');
    const red = intentOf(network).ports.find(({ name }) => name === 'red');
    const ifindex = kernel.links.indexOf(red?.interface ?? '').toString(16);
    await rises('no service', () =>
      outputOf(servicesOf(network), ['python3', '-c', OPEN, `${prefix()}:8000:1::`, `${prefix()}:0:${ifindex}::a00:a`]),
    );
    service = await serve(network);
  });

  it('is refused at once without a service, and available once one runs', async () => {
    service.close();
    for (const address of [METADATA4, `[${METADATA6}]`]) {
      // 7: refused. 28 would be a time that is up.
      const { status } = await network.run('red', ['curl', '-sg', '--max-time', '60', `http://${address}/`]);
      expect(status).toBe(7);
    }
    service = await serve(network);
    expect((await ask(network, 'red', `${EC2}/meta-data/instance-id`)).text).toBe('inst-red');
  });

  it('is checked by doctor and trace: a listening service that knows the port', async () => {
    const traced = async (): Promise<string> => {
      const whole = intentOf(network);
      const instance = network.instance('hv1');
      const context = showContext(instance, scopeTo(whole, instance.config.node));
      const question = { port: 'red', to: METADATA4, size: 60, protocol: 'tcp' as const, destinationPort: 80 };
      const { verdict, steps, text: end } = await trace(context, whole, question);
      return [verdict, ...steps.map(({ text }) => text), end].join('\n');
    };
    expect(await findingsOf(network)).toEqual([
      `ok port.metadata: 2 ports get metadata from the intent, in the namespace ${servicesOf(network)}`,
    ]);
    expect(await traced()).toMatch(/^delivered\n[^]*translated to .*::\/32 and sent to the namespace/);
    service.close();
    const nobody = `no metadata service listens in the namespace ${servicesOf(network)}: requests are refused`;
    expect(await findingsOf(network)).toEqual([`fail port.metadata.service: ${nobody}`]);
    expect(await traced()).toContain('refused, no service listens');
    service = await serve(network);
    const { kernel } = network.instance('hv1');
    rmSync(join(kernel.services.portDirectory, `${kernel.links.indexOf('red')}.json`));
    expect(await findingsOf(network)).toEqual(['fail port.metadata.ports: the service does not know port red']);
    expect(await traced()).toContain('which does not know the port');
    await network.apply('hv1', intentOf(network));
    expect((await ask(network, 'red', `${EC2}/meta-data/instance-id`)).text).toBe('inst-red');
  });

  it('follows the intent at once, and is not served to a removed port', async () => {
    const intent = intentOf(network);
    const changed = intent.ports.map((port) => (port.name === 'red' ? { ...port, instance: 'inst-other' } : port));
    await network.apply('hv1', { ...intent, ports: changed });
    expect((await ask(network, 'red', `${EC2}/meta-data/instance-id`)).text).toBe('inst-other');
    await network.apply('hv1', { ...intent, ports: intent.ports.filter(({ name }) => name !== 'red') });
    expect((await network.run('red', ['curl', '-s', '--max-time', '1', EC2])).status).not.toBe(0);
    expect((await ask(network, 'blue', `${EC2}/meta-data/instance-id`)).text).toBe('inst-blue');
    await network.apply('hv1', intent);
    expect((await ask(network, 'red', `${EC2}/meta-data/instance-id`)).text).toBe('inst-red');
  });
});

describe('the metadata process', () => {
  it('ends with an error when systemd passes an unusable socket, so that it is restarted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'segue-metadata-'));
    const file = join(directory, 'node.yaml');
    writeFileSync(file, 'node: hv1\nuplinks: [eth0]\nintent: intent.yaml\nmetadata: { files: true }\n');
    const script = 'exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"';
    const argv = ['sh', '-c', script, process.execPath, SEGUE_COMMAND, 'metadata', '-c', file];
    const { status, stderr } = await runIn(undefined, argv, { timeoutMs: HANG_MS });
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringMatching(/listen/) as unknown });
    rmSync(directory, { recursive: true });
  });
});
