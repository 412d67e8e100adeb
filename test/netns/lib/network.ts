/** A network of namespaces for the tests of one file: made fresh, removed whatever happens. */
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { applyOnce, diffOnce } from '../../../src/agent/apply.js';
import { Instance, nodeDirectories, pinDirectory } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { ensureBpffs } from '../../../lab/bpffs.js';
import { Capture } from '../../../lab/capture.js';
import { writeFiles } from '../../../lab/files.js';
import { hasVrf } from '../../../lab/kernel.js';
import { buildNetwork } from '../../../lab/network.js';
import { removeNamespaces } from '../../../lab/namespaces.js';
import { ping } from '../../../lab/ping.js';
import { outputOf, runIn } from '../../../lab/process.js';
import { find, hypervisors, intentOf, netnsOf, nodeConfigOf, segueNodes } from '../../../lab/topology.js';
import { listNetns } from 'netlink-ts';
import type { ChangeText, Report } from '../../../src/reconcile/change.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';
import type { ApplyOptions } from '../../../src/agent/apply.js';
import type { LabFiles } from '../../../lab/files.js';
import type { PingOptions, PingResult } from '../../../lab/ping.js';
import type { Ended, RunOptions } from '../../../lab/process.js';
import type { LabVm, Topology } from '../../../lab/topology.js';
import { scopeTo } from '../../../src/app/intent.js';

let networks = 0;

/** One topology in namespaces `sgt<pid>n<number>-<name>`, with what tests do in it. Names are the short ones: hv1, t100-1. */
export class TestNetwork {
  readonly topology: Topology;
  /** for captures and files; removed with the network */
  readonly directory = mkdtempSync(join(tmpdir(), 'segue-netns-'));
  readonly #instances = new Map<string, Instance>();
  #captures = 0;

  constructor(topology: Omit<Topology, 'prefix'>) {
    this.topology = { ...topology, prefix: `sgt${process.pid}n${++networks}` };
  }

  async build(): Promise<void> {
    const needsVrf = hypervisors(this.topology).some(({ dataplane }) => dataplane !== 'ebpf');
    if (needsVrf && !hasVrf(this.topology.prefix)) {
      throw new Error('this kernel has no VRF, and a test that needs it must not pass without: run it in test/vm/run');
    }
    if (!needsVrf) await ensureBpffs();
    await removeLeftovers();
    await buildNetwork(this.topology);
  }

  async remove(): Promise<void> {
    for (const instance of this.#instances.values()) instance.close();
    this.#instances.clear();
    for (const { name } of segueNodes(this.topology)) {
      const node = this.netns(name);
      for (const path of [...nodeDirectories(node), pinDirectory(node)]) rmSync(path, { recursive: true, force: true });
    }
    await removeNamespaces(this.topology.prefix);
    await removeNamespaces(`segue-${this.topology.prefix}`);
    rmSync(this.directory, { recursive: true, force: true });
  }

  netns(name: string): string {
    return netnsOf(this.topology, name);
  }

  vm(name: string): LabVm {
    return find(this.topology.vms, name);
  }

  /** A program in a namespace, to its end. */
  run(name: string, argv: readonly string[], options?: RunOptions): Promise<Ended> {
    return runIn(this.netns(name), argv, options);
  }

  /** The output of a program that must succeed. */
  output(name: string, argv: readonly string[], options?: RunOptions): Promise<string> {
    return outputOf(this.netns(name), argv, options);
  }

  /** `ip` with its arguments as one text. */
  ip(name: string, args: string): Promise<string> {
    return this.output(name, ['ip', ...args.split(' ').filter((word) => word !== '')]);
  }

  /** A shell's script, which must succeed. */
  shell(name: string, script: string, options?: RunOptions): Promise<string> {
    return this.output(name, ['bash', '-euo', 'pipefail', '-c', script], options);
  }

  ping(from: string, address: string, options?: PingOptions): Promise<PingResult> {
    return ping(this.netns(from), address, options);
  }

  /** Starts a capture on an interface (default: a VM's or node's only one). */
  capture(name: string, device = 'eth0', filter = ''): Promise<Capture> {
    const file = join(this.directory, `${++this.#captures}-${name}-${device}.pcap`);
    return Capture.start(this.netns(name), device, file, filter);
  }

  intent(): Intent {
    return intentOf(this.topology);
  }

  config(name: string): NodeConfig {
    return nodeConfigOf(this.topology, find(this.topology.nodes, name), join(this.directory, 'intent.yaml'));
  }

  /** Writes the files that the command would read. */
  files(): LabFiles {
    return writeFiles(this.topology, this.directory);
  }

  /** A hypervisor's hold on its kernel, in this process: what `segue apply` would open. */
  instance(name: string): Instance {
    let instance = this.#instances.get(name);
    if (instance === undefined) {
      instance = new Instance(this.config(name));
      this.#instances.set(name, instance);
    }
    return instance;
  }

  /** Lets go of a hypervisor's kernel: its namespace is about to be another. */
  forget(name: string): void {
    this.#instances.get(name)?.close();
    this.#instances.delete(name);
  }

  /** `segue apply` on a hypervisor, in this process. @throws Error naming every object that failed */
  async apply(name: string, intent = this.intent(), options: ApplyOptions = {}): Promise<Report> {
    const instance = this.instance(name);
    const report = await applyOnce(instance, scopeTo(intent, instance.config.node), options);
    if (report.failures.length > 0) {
      throw new Error(report.failures.map(({ object, error }) => `${object}: ${error.message}`).join('\n'));
    }
    return report;
  }

  /** `segue apply` on every hypervisor and network node. */
  async applyAll(): Promise<void> {
    for (const { name } of segueNodes(this.topology)) await this.apply(name);
  }

  /** `segue diff` on a hypervisor. */
  async diff(name: string, intent = this.intent()): Promise<ChangeText[]> {
    const instance = this.instance(name);
    const { changes } = await diffOnce(instance, scopeTo(intent, instance.config.node));
    return changes.map((change) => instance.engine.text(change));
  }

  /** `segue purge` on a hypervisor. */
  purge(name: string): Promise<Report> {
    return purge(this.instance(name));
  }
}

/**
 * A network for the tests of a describe block: built and programmed before them, removed after them. With DEBUG=1 a
 * test that fails opens a shell in it first.
 *
 * @param program what is done before the first test; default: segue on every hypervisor and network node
 */
export function useNetwork(
  topology: Omit<Topology, 'prefix'>,
  program: (network: TestNetwork) => Promise<void> = (network) => network.applyAll(),
): TestNetwork {
  const network = new TestNetwork(topology);
  beforeAll(async () => {
    try {
      await network.build();
      await program(network);
    } catch (error) {
      await openShell(network, String(error));
      throw error;
    }
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await openShell(network, task.name);
  }, HOUR_MS);
  afterAll(() => network.remove());
  return network;
}

const HOUR_MS = 3_600_000;

/** A shell on the terminal, when DEBUG=1 asks for it; resolves when it is left. */
async function openShell(network: TestNetwork, what: string): Promise<void> {
  if (process.env.DEBUG !== '1') return;
  const terminal = openSync('/dev/tty', 'r+');
  try {
    const { prefix } = network.topology;
    const shell = spawn('bash', ['-i'], {
      stdio: [terminal, terminal, terminal],
      env: { ...process.env, PS1: 'failed> ' },
    });
    process.stderr.write(
      `\nfailed: ${what}\nIts network stands until you leave this shell: ip netns exec ${prefix}-hv1 …\n` +
        `${listNetns()
          .filter((name) => name.startsWith(prefix))
          .join(' ')}\n`,
    );
    await new Promise((resolve) => shell.on('close', resolve));
  } finally {
    closeSync(terminal);
  }
}

/** Removes networks of test processes that are no more. */
async function removeLeftovers(): Promise<void> {
  const dead = new Set<string>();
  for (const name of listNetns()) {
    const match = /^(?:segue-)?(sgt(\d+)n\d+)-/.exec(name);
    if (match?.[1] !== undefined && !isAlive(Number(match[2]))) dead.add(match[1]);
  }
  for (const prefix of dead) {
    await removeNamespaces(prefix);
    await removeNamespaces(`segue-${prefix}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
