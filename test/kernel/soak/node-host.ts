/**
 * The host of one node's agent: a mount namespace with a bpffs and small disks of its own, so that faults affect no
 * other test. Its network namespace is the topology's.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { until } from '../../netns/lib/steering.js';
import type { Ended } from '../../../lab/process.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const START_MS = 60_000;
/** Folders that segue writes in, each a disk of its own here. */
const DISKS = ['/run/segue', '/var/lib/segue'] as const;
const DISK_BYTES = 8 << 20;

/** Shell: a bpffs, and one that segue does not refuse as private to a mount namespace that ends with a command. */
export const MOUNT_BPFFS = 'mount -t bpf bpf /sys/fs/bpf; mount --make-shared /sys/fs/bpf';

/** What a process holds. */
export interface Held {
  descriptors: number;
  /** how many of each kind: `socket`, `anon_inode:bpf-map`, … */
  kinds: Readonly<Record<string, number>>;
  /** resident */
  bytes: number;
}

function descriptorKinds(pid: number): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target = 'closed';
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:?\[\d*\]$/, '');
    } catch {
      // It was closed since.
    }
    kinds[target] = (kinds[target] ?? 0) + 1;
  }
  return kinds;
}

export class NodeHost {
  readonly nodeFile: string;
  readonly intentFile: string;
  readonly netns: string;
  /** a disk for the agent's log */
  readonly logDisk: string;
  readonly #holder: Background;
  #agent: Background | undefined;

  private constructor(network: TestNetwork, name: string, holder: Background) {
    this.netns = network.netns(name);
    this.nodeFile = join(network.directory, `${name}.yaml`);
    this.intentFile = network.config(name).intent;
    this.logDisk = join(network.directory, 'log');
    this.#holder = holder;
  }

  /** The network's files must be written. */
  static async start(network: TestNetwork, name: string): Promise<NodeHost> {
    const disks = [...DISKS, join(network.directory, 'log')].map(
      (path) => `mkdir -p ${path}; mount -t tmpfs -o size=${DISK_BYTES} tmpfs ${path}`,
    );
    // Namespaces that are made later come in by /run/netns: a slave, not private.
    const script = [MOUNT_BPFFS, ...disks, 'echo ready', 'exec sleep infinity'].join('\n');
    const argv = ['unshare', '--mount', '--propagation', 'slave', 'bash', '-euc', script];
    const holder = new Background(undefined, argv);
    await holder.waitFor(/ready/, START_MS);
    return new NodeHost(network, name, holder);
  }

  /** A program there, in the machine's network namespace, to its end. */
  run(argv: readonly string[]): Promise<Ended> {
    return runIn(undefined, [...this.#enter(), ...argv]);
  }

  /** A shell's script there, which must succeed. */
  shell(script: string): Promise<string> {
    return outputOf(undefined, [...this.#enter(), 'bash', '-euo', 'pipefail', '-c', script]);
  }

  /** A shell's script in the node's network namespace, which must succeed. */
  inNetns(script: string): Promise<string> {
    return outputOf(this.netns, ['bash', '-euo', 'pipefail', '-c', script]);
  }

  /** `segue …` there, to its end. */
  segue(...words: string[]): Promise<Ended> {
    return this.run([process.execPath, SEGUE_COMMAND, ...words]);
  }

  /** The agent's log is a file on a disk of its own. */
  async startAgent(sweepSeconds: number): Promise<void> {
    const command = `${process.execPath} ${SEGUE_COMMAND} agent -c ${this.nodeFile} --sweep ${sweepSeconds}`;
    const script = `exec ${command} >>${this.logDisk}/agent.log 2>&1`;
    this.#agent = new Background(undefined, [...this.#enter(), 'bash', '-c', script]);
    await until('the agent has converged', async () => {
      const log = await this.log();
      if (this.#agent?.hasEnded === true) throw new Error(`the agent has ended: ${log}`);
      return log.includes('converged on the intent');
    });
  }

  log(): Promise<string> {
    return this.shell(`cat ${this.logDisk}/agent.log 2>/dev/null || :`);
  }

  get agentPid(): number {
    const { child, hasEnded } = this.#agent ?? {};
    if (child?.pid === undefined || hasEnded === true) throw new Error('the agent has ended');
    return child.pid;
  }

  held(): Held {
    const pid = this.agentPid;
    const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const kinds = descriptorKinds(pid);
    const descriptors = Object.values(kinds).reduce((sum, count) => sum + count, 0);
    return { descriptors, kinds, bytes: kibibytes * 1024 };
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async stop(): Promise<void> {
    await this.#agent?.stop('SIGKILL');
    await this.#holder.stop();
  }

  #enter(): string[] {
    return ['nsenter', `--mount=/proc/${this.#holder.child.pid}/ns/mnt`];
  }
}
