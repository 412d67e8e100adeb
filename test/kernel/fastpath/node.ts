/** The bench as a node that the command works with: its maps pinned, its files written. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { RUN_ROOT } from '../../../src/agent/instance.js';
import { Background } from '../../../lab/process.js';
import { run } from '../libbpf/harness.js';
import { MACS, SIDS, TENANT } from './bench.js';
import type { Bench } from './bench.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const START_MS = 300_000;

export interface NodeOptions {
  dataplane?: 'hybrid' | 'kernel';
}

/** A command of a node, which runs beside the test. */
export class Node {
  readonly bench: Bench;
  readonly name: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'segue-view-'));

  constructor(bench: Bench, { dataplane = 'hybrid' }: NodeOptions = {}) {
    this.bench = bench;
    this.name = bench.netns;
    // Frames of the underlay are for the node's own MAC address.
    run(bench.netns, 'ip', 'link', 'set', 'v1', 'address', MACS.uplink);
    const node = { node: this.name, netns: bench.netns, uplinks: ['v1'], dataplane, intent: 'intent.json' };
    // JSON is YAML.
    writeFileSync(this.file('node.yaml'), JSON.stringify(node));
    const port = { tenant: 'red', node: this.name, mac: MACS.vm };
    const intent = {
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [
        { name: this.name, locator: 'fd00:5e:1::/48' },
        { name: 'far', locator: 'fd00:5e:2::/48' },
      ],
      tenants: [
        {
          name: 'red',
          id: TENANT,
          subnets: [
            { prefix: '10.0.0.0/24', gateway: '10.0.0.254' },
            { prefix: 'cafe::/64', gateway: 'cafe::254' },
          ],
        },
        { name: 'blue', id: TENANT + 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.254' }] },
      ],
      ports: [
        { ...port, name: 'red-a', interface: 'v0', addresses: ['10.0.0.1', 'cafe::1'], prefixes: ['192.168.1.0/24'] },
        { ...port, name: 'red-b', interface: 'vb', mac: MACS.otherVm, addresses: ['10.0.0.7', 'cafe::7'] },
        {
          ...port,
          name: 'far-a',
          node: 'far',
          mac: '02:00:00:00:00:02',
          interface: 'f0',
          addresses: ['10.0.0.2', 'cafe::2'],
        },
      ],
    };
    writeFileSync(this.file('intent.json'), JSON.stringify(intent));
    onTestFinished(() => {
      for (const path of [this.directory, join(RUN_ROOT, this.name)]) rmSync(path, { recursive: true, force: true });
    });
  }

  /** Pins the maps. */
  pin(): this {
    this.bench.pin(this.name);
    return this;
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  /** Starts a command of segue's; it is ended with the test. */
  start(...args: string[]): Background {
    const command = new Background(undefined, [process.execPath, SEGUE, ...args, '-c', this.file('node.yaml')]);
    onTestFinished(() => command.stop());
    return command;
  }

  /** Starts one and waits until it looks on. */
  async watch(...args: string[]): Promise<Background> {
    const command = this.start(...args);
    await command.waitFor(/segue: (monitoring|capturing)/, START_MS);
    return command;
  }
}

/** The bench's SID, for packets that arrive. */
export const SID = SIDS.dt46;
