/** A network node as the agent makes it, with its files, so that commands can be asked about it; packets are handed to its program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { applyOnce } from '../../../src/agent/apply.js';
import { Instance, nodeDirectories } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { loadIntent, scopeTo } from '../../../src/app/intent.js';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { Background } from '../../../lab/process.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { encapsulated, ethernet, ip4, tcp } from '../fastpath/packets.js';
import { ifindex, run, xdpArriving } from '../libbpf/harness.js';
import type { ShowContext } from '../../../src/observe/inspect/context.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const MACS = { router: '02:00:00:00:02:01', uplink: '02:00:00:00:02:02' } as const;
/** Gateway SIDs of the node. */
const SIDS = { red: 'fd00:5e:91:4600:64::', blue: 'fd00:5e:91:4600:c8::' } as const;
const HYPERVISORS = { red: 'fd00:5e:1::1', blue: 'fd00:5e:2::1' } as const;
const START_MS = 300_000;

export const SYN = 0x02;
export const ACK = 0x10;
export const FIN = 0x01;

let count = 0;

export interface IntentOptions {
  policies: object[];
  drain?: boolean;
}

/** Sequence numbers of both ends' segments: each has sent its SYN alone, and has seen the other's. */
function numbersOf(flags: number): { size: number; sequence: number; acked: number; window: number } {
  return { size: 0, sequence: (flags & SYN) !== 0 ? 1 : 2, acked: (flags & ACK) !== 0 ? 2 : 0, window: 60_000 };
}

/** Red on hv1, blue on hv2, the external network dc, and this node and nn2 between them. */
export class ViewNode {
  readonly name = `sgvw${process.pid}n${++count}`;
  readonly directory = mkdtempSync(join(tmpdir(), 'segue-view-'));
  readonly #routers = `${this.name}r`;
  #instance: Instance | undefined;
  #uplink: number | undefined;

  setUp(): void {
    createNetns(this.name);
    createNetns(this.#routers);
    const { uplink, router } = MACS;
    const ip = (...args: string[]): string => run(this.name, 'ip', ...args);
    ip('link', 'add', 'eth0', 'address', uplink, 'type', 'veth', 'peer', 'name', 'router', 'address', router);
    ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'dc', 'netns', this.#routers);
    ip('link', 'set', 'router', 'netns', this.#routers);
    for (const link of ['lo', 'eth0', 'eth1']) ip('link', 'set', link, 'up');
    for (const link of ['lo', 'router', 'dc']) run(this.#routers, 'ip', 'link', 'set', link, 'up');
    ip('addr', 'add', '2001:db8::2/64', 'dev', 'eth0', 'nodad');
    ip('addr', 'add', '192.0.2.1/24', 'dev', 'eth1');
    run(this.#routers, 'ip', 'addr', 'add', '2001:db8::1/64', 'dev', 'router', 'nodad');
    for (const link of ['router', 'dc'] as const) this.setFrames(link, true);
    run(this.name, 'ping', '-6', '-q', '-i', '0.2', '-c', '1', '-w', '20', '2001:db8::1');
    ip('-6', 'route', 'add', 'fd00:5e::/32', 'via', '2001:db8::1');
    const node = {
      node: this.name,
      netns: this.name,
      uplinks: ['eth0'],
      dataplane: 'hybrid',
      xdp: 'always',
      intent: 'intent.json',
    };
    writeFileSync(this.file('node.yaml'), JSON.stringify(node));
  }

  /** Whether the interface at the other end takes frames of XDP: a veth's does with NAPI here. */
  setFrames(link: 'router' | 'dc', takes: boolean): void {
    run(this.#routers, 'ethtool', '-K', link, 'gro', takes ? 'on' : 'off');
  }

  async tearDown(): Promise<void> {
    if (this.#instance !== undefined) {
      await purge(this.#instance);
      this.#instance.close();
    }
    deleteNetns(this.name);
    deleteNetns(this.#routers);
    for (const path of [this.directory, ...nodeDirectories(this.name)]) rmSync(path, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  get config(): NodeConfig {
    return loadNodeConfig(this.file('node.yaml'));
  }

  get instance(): Instance {
    return (this.#instance ??= new Instance(this.config));
  }

  /** Of the whole cloud. */
  intent(): Intent {
    return loadIntent(this.file('intent.json'));
  }

  context(): ShowContext {
    return showContext(this.instance, scopeTo(this.intent(), this.name));
  }

  /** Writes the intent's file. */
  want({ policies, drain = false }: IntentOptions): void {
    const subnets = (n: number): object[] => [{ prefix: `10.${n}.0.0/24`, gateway: `10.${n}.0.1` }];
    const port = { interface: 'tap0', mac: '02:00:00:00:00:0a' };
    const intent = {
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [
        { name: 'hv1', locator: 'fd00:5e:1::/48' },
        { name: 'hv2', locator: 'fd00:5e:2::/48' },
        { name: this.name, locator: 'fd00:5e:91::/48' },
        { name: 'nn2', locator: 'fd00:5e:92::/48', drain },
      ],
      tenants: [
        { name: 'red', id: 100, subnets: subnets(0) },
        { name: 'blue', id: 200, subnets: subnets(1) },
      ],
      ports: [
        { ...port, name: 'red-a', tenant: 'red', node: 'hv1', addresses: ['10.0.0.2'] },
        { ...port, name: 'blue-a', tenant: 'blue', node: 'hv2', addresses: ['10.1.0.2'] },
      ],
      gateways: [{ name: 'gw', nodes: [this.name, 'nn2'], tenants: ['red', 'blue'] }],
      externals: [{ name: 'dc', gateway: 'gw', interface: 'eth1', prefixes: ['192.0.2.0/24', '198.51.100.0/24'] }],
      policies,
    };
    writeFileSync(this.file('intent.json'), JSON.stringify(intent));
  }

  async apply(options: IntentOptions): Promise<void> {
    this.want(options);
    const { failures } = await applyOnce(this.instance, scopeTo(this.intent(), this.name));
    if (failures.length > 0) throw new Error(failures.map(({ error }) => error.message).join('\n'));
  }

  /** What the program of the uplink does with a tenant's packet. */
  send(tenant: keyof typeof SIDS, packet: Buffer): 'drop' | 'redirect' | 'pass' {
    const { uplink: to, router: from } = MACS;
    const frame = ethernet(encapsulated(packet, [SIDS[tenant]], HYPERVISORS[tenant]), { to, from });
    const program = this.instance.kernel.fastpath.program('nn_uplink_xdp');
    if (program === undefined) throw new Error('no program');
    this.#uplink ??= ifindex(this.name, 'eth0');
    const context = xdpArriving(this.#uplink, frame.length);
    const { verdict } = program.testRun({ data: frame, netns: this.name, context });
    return verdict === 1 ? 'drop' : verdict === 4 ? 'redirect' : 'pass';
  }

  /** A TCP segment of red's VM to blue's. */
  toBlue(source: number, destination: number, flags: number): 'drop' | 'redirect' | 'pass' {
    const payload = tcp({ source, destination, flags, ...numbersOf(flags) });
    return this.send('red', ip4({ from: '10.0.0.2', to: '10.1.0.2', protocol: 6, payload }));
  }

  /** And back. */
  toRed(source: number, destination: number, flags: number): 'drop' | 'redirect' | 'pass' {
    const payload = tcp({ source, destination, flags, ...numbersOf(flags) });
    return this.send('blue', ip4({ from: '10.1.0.2', to: '10.0.0.2', protocol: 6, payload }));
  }

  /** Runs a command to its end. */
  async segue(...args: string[]): Promise<{ output: string; code: number | null }> {
    const command = this.start(...args);
    await command.wait();
    return { output: command.output, code: command.child.exitCode };
  }

  /** The same, as JSON. */
  async json(...args: string[]): Promise<unknown> {
    const { output } = await this.segue(...args, '-j');
    return JSON.parse(output.split('\n').find((line) => /^[[{]/.test(line)) ?? output);
  }

  start(...args: string[]): Background {
    const command = new Background(undefined, [process.execPath, SEGUE, ...args, '-c', this.file('node.yaml')]);
    onTestFinished(() => command.stop());
    return command;
  }

  async watch(...args: string[]): Promise<Background> {
    const command = this.start(...args);
    await command.waitFor(/segue: monitoring/, START_MS);
    return command;
  }
}
