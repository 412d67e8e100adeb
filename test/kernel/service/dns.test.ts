/** The DNS service for VMs, with the resolvers of Debian: two tenants whose VMs differ only in their ports. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputOf } from '../../../lab/process.js';
import { scopeTo } from '../../../src/app/intent.js';
import { DnsProcess } from '../../../src/dns/process.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { trace } from '../../../src/observe/trace/trace.js';
import { servicePrefixOf } from '../../../src/service/address.js';
import { SUBNET4, SUBNET6, twins } from '../dhcp/cloud.js';
import { countsOf } from '../dhcp/counts.js';
import { until } from '../fleet/until.js';
import { useNetwork } from '../../netns/lib/network.js';
import { servicesOf } from './cloud.js';
import type { ChildProcess } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import type { LabNode, Topology } from '../../../lab/topology.js';
import type { Dataplane, DnsConfig } from '../../../src/intent/types.js';

const HANG_MS = 300_000;
const DNS4 = '169.254.169.253';
const DNS6 = 'fd00:ec2::253';
const VMS = ['red', 'blue'] as const;
/** Of 16 bytes each with their length: an answer of a little less than 1,432 bytes, what an MTU of 1,460 carries, and of more. */
const STRINGS = { fits: 80, large: 200 } as const;
const textOf = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at).padStart(15, 'x'));

const directory = mkdtempSync(join(tmpdir(), 'segue-dns-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Debian's resolvers, with the same names. */
const RESOLVERS: Readonly<Record<string, (port: number) => string[]>> = {
  dnsmasq: (port) => [
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file'],
    ...['--user=root', '--bind-interfaces', '--listen-address=127.0.0.1', `--port=${port}`, '--edns-packet-max=4096'],
    '--local=/example/',
    '--host-record=www.example,192.0.2.80,2001:db8::80',
    ...Object.entries(STRINGS).map(([name, count]) => `--txt-record=${name}.example,${textOf(count).join(',')}`),
  ],
  unbound: (port) => {
    const file = join(directory, 'unbound.conf');
    const texts = Object.entries(STRINGS).map(
      ([name, count]) =>
        `local-data: '${name}.example. TXT ${textOf(count)
          .map((text) => `"${text}"`)
          .join(' ')}'`,
    );
    writeFileSync(
      file,
      [
        'server:',
        ...['interface: 127.0.0.1', `port: ${port}`, 'do-daemonize: no', 'chroot: ""', 'username: ""', 'pidfile: ""'],
        ...['use-syslog: no', 'num-threads: 1', 'max-udp-size: 4096', 'edns-buffer-size: 4096'],
        'local-zone: "example." static',
        'local-data: "www.example. A 192.0.2.80"',
        'local-data: "www.example. AAAA 2001:db8::80"',
        ...texts,
        'remote-control:',
        'control-enable: no',
        '',
      ].join('\n'),
    );
    return ['unbound', '-d', '-c', file];
  },
};

function cloud(dataplane: Dataplane, dns: DnsConfig): Omit<Topology, 'prefix'> {
  const subnets = [SUBNET4, SUBNET6];
  const topology = twins(dataplane, { red: subnets, blue: subnets });
  const nodes = topology.nodes.map((node): LabNode => (node.name === 'hv1' ? { ...node, dns } : node));
  return { ...topology, nodes };
}

/** Asks from one source port again and again, at once with the other VM, without UDP checksums. */
const SAME_PORT = `
import socket, struct, sys
times = int(sys.argv[1])
name = b'\\x03www\\x07example\\0' + struct.pack('!HH', 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, 11, 1) # SO_NO_CHECK
    s.bind(('10.0.0.10', 45000))
    s.connect(('169.254.169.253', 53))
    s.settimeout(60)
    for number in range(times):
        s.send(struct.pack('!HHHHHH', number, 0x100, 1, 0, 0, 0) + name)
        said = s.recv(4096)
        if said[:2] != struct.pack('!H', number) or not said.endswith(socket.inet_aton('192.0.2.80')): print(said)
print('done')
`;

/** Asks 50 times at once; prints the number of answers. */
const BURST = `
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(('169.254.169.253', 53))
    s.settimeout(1)
    for _ in range(50): s.send(b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\x03www\\x07example\\0\\0\\1\\0\\1')
    count = 0
    try:
        while s.recv(4096): count += 1
    except TimeoutError: print(count)
`;

describe.each(Object.keys(RESOLVERS))('DNS by %s', { timeout: HANG_MS }, (kind) => {
  let resolver: ChildProcess;
  let service: DnsProcess;
  const dns: DnsConfig = { resolver: '127.0.0.1', port: 0, rate: 100_000 };
  const network = useNetwork(cloud('ebpf', dns), async (made) => {
    await made.apply('hv1', made.intent());
  });
  const answers = (): Promise<boolean> =>
    outputOf(undefined, ['dig', '+short', '+tries=1', '+time=1', '-p', String(dns.port), '@127.0.0.1', 'www.example'])
      .then((said) => said.includes('192.0.2.80'))
      .catch(() => false);
  const startResolver = async (): Promise<void> => {
    const [program = '', ...words] = RESOLVERS[kind]?.(dns.port) ?? [];
    resolver = spawn(program, words, { stdio: 'ignore' });
    await until('the resolver answers', answers);
  };
  const stopResolver = async (): Promise<void> => {
    if (resolver.exitCode !== null || resolver.signalCode !== null) return;
    const ended = new Promise((resolve) => resolver.once('exit', resolve));
    resolver.kill('SIGKILL');
    await ended;
  };
  const serve = async (other: Partial<DnsConfig> = {}): Promise<void> => {
    service = new DnsProcess(network.config('hv1'), { ...dns, ...other }, pino({ level: 'silent' }));
    await service.start();
    // It opens its sockets before, and takes queries once they listen.
    await until('the service answers', async () =>
      (await dig('red', DNS4, 'www.example', '+short', '+tries=1')).includes('192.0.2.80'),
    );
  };
  const dig = async (vm: string, server: string, ...words: string[]): Promise<string> =>
    (await network.run(vm, ['dig', '+time=60', `@${server}`, ...words], { timeoutMs: HANG_MS })).stdout;
  beforeAll(async () => {
    dns.port = await freePort();
    await startResolver();
    await serve();
  }, HANG_MS);
  afterAll(async () => {
    service.close();
    await stopResolver();
  });
  const counts = (): Record<string, number> => countsOf(network.instance('hv1'));
  const rises = async (slug: string, act: () => Promise<unknown>): Promise<void> => {
    const before = counts()[slug] ?? 0;
    await act();
    expect(counts()[slug] ?? 0, slug).toBeGreaterThan(before);
  };

  it.each([DNS4, DNS6])('%s answers each VM by UDP and TCP', async (server) => {
    for (const vm of VMS) {
      for (const way of ['+notcp', '+tcp']) {
        expect(await dig(vm, server, 'www.example', 'A', way, '+short')).toBe('192.0.2.80\n');
        expect(await dig(vm, server, 'www.example', 'AAAA', way, '+short')).toBe('2001:db8::80\n');
        expect(await dig(vm, server, 'none.example', way)).toContain('status: NXDOMAIN');
      }
    }
  });

  it('answers VMs with one address and source port at once, and queries without UDP checksums', async () => {
    const script = join(network.directory, 'same-port.py');
    writeFileSync(script, SAME_PORT);
    const said = await Promise.all(
      VMS.map((vm) => network.output(vm, ['python3', script, '300'], { timeoutMs: HANG_MS })),
    );
    expect(said).toEqual(['done\n', 'done\n']);
  });

  it.each([DNS4, DNS6])('%s sends by UDP what the MTU carries, and the rest by TCP', async (server) => {
    const fits = await dig('red', server, 'fits.example', 'TXT', '+bufsize=4096', '+ignore');
    expect(fits).toMatch(/flags: qr[^;]*; QUERY: 1, ANSWER: 1/);
    expect(fits).toMatch(/EDNS: version: 0/);
    expect(Number(/MSG SIZE {2}rcvd: (\d+)/.exec(fits)?.[1])).toBeGreaterThan(1280);
    const large = await dig('red', server, 'large.example', 'TXT', '+bufsize=4096', '+ignore');
    expect(large).toMatch(/flags: qr[^;]* tc[^;]*;/);
    // Without +ignore, dig asks again by TCP.
    expect(await dig('red', server, 'large.example', 'TXT', '+bufsize=4096')).toContain(textOf(STRINGS.large).at(-1));
    // Without EDNS, 512 bytes.
    expect(await dig('red', server, 'fits.example', 'TXT', '+noedns', '+ignore')).toMatch(/flags: qr[^;]* tc[^;]*;/);
  });

  it('drops and counts everything but queries', async () => {
    for (const to of [DNS4, DNS6]) {
      expect(await network.ping('red', to)).toMatchObject({ received: 1 });
      await rises('no service', () => network.shell('red', `echo x >/dev/udp/${to}/54`));
      await rises('no service', () => network.shell('red', `timeout 1 bash -c 'exec 3<>/dev/tcp/${to}/80' || true`));
    }
    // In fragments.
    await rises('no service', () => network.shell('red', `head -c 3000 /dev/zero >/dev/udp/${DNS4}/53`));
    await network.ip('red', 'addr add 10.0.0.99/32 dev eth0');
    await rises('source address', () => dig('red', DNS4, 'www.example', '-b', '10.0.0.99', '+tries=1', '+time=1'));
    await network.ip('red', 'addr del 10.0.0.99/32 dev eth0');
    // The node file has no metadata service.
    await rises('unreachable', () => network.shell('red', 'echo x >/dev/udp/169.254.169.254/53'));
  });

  it("drops packets from the services' namespace that no answers can be", async () => {
    const prefix = servicePrefixOf(network.netns('hv1')).replace('::/32', '');
    const ifindex = network.instance('hv1').kernel.links.indexOf('red').toString(16);
    const send = (from: string, port: number): string => `
import socket
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.IPPROTO_IPV6, 78, 1) # IPV6_FREEBIND
    s.bind(('${from}', ${port}))
    s.sendto(b'x' * 40, ('${prefix}:0:${ifindex}::a00:a', 45000))
`;
    const inside = (script: string): Promise<string> => outputOf(servicesOf(network), ['python3', '-c', script]);
    await rises('no service', () => inside(send(`${prefix}:8000:4::`, 54)));
    // The metadata service has no UDP, and a sixth kind does not exist.
    for (const number of [1, 6, 31]) await rises('no service', () => inside(send(`${prefix}:8000:${number}::`, 80)));
  });

  it('answers malformed queries without the resolver, and goes on', async () => {
    const said = async (hex: string): Promise<string> =>
      network.output('red', [
        'python3',
        '-c',
        `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(('${DNS4}', 53)); s.send(bytes.fromhex('${hex}'))
try: print(s.recv(4096).hex())
except TimeoutError: print('none')`,
      ]);
    // A short one, an answer, an update, two questions, and a name beyond the end.
    expect(await said('0001')).toBe('none\n');
    expect(await said('000181800001000000000000 0000020001'.replaceAll(' ', ''))).toBe('none\n');
    expect(await said('0001280000000000000000000000')).toMatch(/^0001a884/);
    expect(await said('000101000002000000000000')).toMatch(/^00018181/);
    expect(await said('00010100000100000000000030')).toMatch(/^00018181/);
    expect(await dig('red', DNS4, 'www.example', '+short')).toBe('192.0.2.80\n');
  });

  it('is checked by doctor and trace', async () => {
    const instance = network.instance('hv1');
    const intent = scopeTo(network.intent(), instance.config.node);
    const found = async (): Promise<string[]> => {
      const { checks } = await runChecks({ instance, file: '', defaultFile: '', intent, intentError: undefined });
      return checks
        .filter(({ name }) => name.startsWith('port.dns') || name.startsWith('port.metadata'))
        .map(({ status, name, what }) => `${status} ${name}: ${what}`);
    };
    const traced = async (): Promise<string> => {
      const question = { port: 'red', to: DNS4, size: 60, protocol: 'udp' as const, destinationPort: 53 };
      const { verdict, steps, text } = await trace(showContext(instance, intent), network.intent(), question);
      return [verdict, ...steps.map((step) => step.text), text].join('\n');
    };
    // The laboratory wrote the node file before the port was known.
    Object.assign(instance.config.dns ?? {}, dns);
    const from = `the resolver 127.0.0.1 port ${dns.port}`;
    expect(await found()).toEqual([
      `ok port.dns: 2 ports get DNS from ${from}, in the namespace ${servicesOf(network)}`,
    ]);
    expect(await traced()).toMatch(/^delivered\n[^]*a DNS query: translated to .*::\/32 and sent to the namespace/);
    service.close();
    const nobody = `no DNS service listens in the namespace ${servicesOf(network)}: requests are refused`;
    expect(await found()).toEqual([`fail port.dns.service: ${nobody}`]);
    expect(await traced()).toContain('refused, no service listens');
    await serve();
  });

  it('answers SERVFAIL at once when the resolver is down, and names once it is up', async () => {
    await stopResolver();
    for (const way of ['+notcp', '+tcp']) {
      expect(await dig('red', DNS4, 'www.example', way, '+tries=1')).toContain('status: SERVFAIL');
    }
    await startResolver();
    for (const way of ['+notcp', '+tcp']) {
      expect(await dig('red', DNS4, 'www.example', way, '+short')).toBe('192.0.2.80\n');
    }
  });

  it('drops queries beyond the rate of a port, and answers others', async () => {
    service.close();
    await serve({ rate: 2 });
    const answered = Number(await network.output('red', ['python3', '-c', BURST], { timeoutMs: HANG_MS }));
    expect(answered).toBeLessThan(50);
    expect(await dig('blue', DNS4, 'www.example', '+short')).toBe('192.0.2.80\n');
    service.close();
    await serve();
  });

  it('answers no port that the agent does not know', async () => {
    const intent = network.intent();
    await network.apply('hv1', { ...intent, ports: intent.ports.filter(({ name }) => name !== 'red') });
    expect(await dig('red', DNS4, 'www.example', '+tries=1', '+time=1')).not.toContain('status:');
    expect(await dig('blue', DNS4, 'www.example', '+short')).toBe('192.0.2.80\n');
    await network.apply('hv1', intent);
    expect(await dig('red', DNS4, 'www.example', '+short')).toBe('192.0.2.80\n');
  });
});
