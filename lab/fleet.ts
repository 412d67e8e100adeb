/** A fleet on this machine: etcd, a feed with mTLS, and a certificate for each node of a laboratory. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Authority, newAuthority, newKey, writePair } from '../src/fleet/pki/authority.js';
import { publicKeyOf } from '../src/fleet/pki/issue.js';
import { SEGUE_COMMAND } from './paths.js';
import { Background, outputOf, runIn } from './process.js';
import { loopbackAddress } from './fleet/servers.js';
import { netnsOf, segueNodes } from './topology.js';
import type { Topology } from './topology.js';
import type { Names } from '../src/fleet/pki/issue.js';
import type { TlsFiles } from '../src/fleet/types.js';

/** Time-out of the feed's start in milliseconds, and of the first reports of nodes: a busy machine takes minutes. */
const START_MS = 400_000;
const REPORT_SECONDS = 1;
const DAYS = 30;
const FEED_PORT = 7179;

/** What `segue fleet status` says of a node. */
export interface ReportedNode {
  name: string;
  state: string;
  why: string;
  applied?: number;
}

/** The `intent` of a node file. */
export interface FedIntent {
  feeds: string[];
  tls: TlsFiles;
  cache: string;
}

export class LabFleet {
  /** The fleet file, for `segue intent` and `segue fleet`. */
  readonly file: string;
  readonly #directory: string;
  readonly #endpoint: string;
  readonly #tls = new Map<string, TlsFiles>();
  #feed!: Background;

  private constructor(directory: string) {
    this.#directory = join(directory, 'fleet');
    this.file = join(directory, 'fleet.yaml');
    this.#endpoint = `${loopbackAddress()}:${FEED_PORT}`;
  }

  /**
   * Starts etcd and the feed, in this process's network namespace, where the agents are, too.
   *
   * @param directory where the fleet file is, and certificates and etcd's data in a directory `fleet`
   * @throws Error with the feed's output if it ends early
   */
  static async start(
    topology: Topology,
    directory: string,
    { detached = false }: { detached?: boolean } = {},
  ): Promise<LabFleet> {
    if (spawnSync('etcd', ['--version']).status !== 0) {
      throw new Error('this machine has no etcd, which --source etcd needs: install etcd-server');
    }
    const fleet = new LabFleet(directory);
    rmSync(fleet.#directory, { recursive: true, force: true });
    mkdirSync(fleet.#directory, { recursive: true, mode: 0o700 });
    const tls = await fleet.#certificates(topology);
    const feed = { listen: fleet.#endpoint, tls, reportSeconds: REPORT_SECONDS };
    writeFileSync(fleet.file, stringify({ etcd: { directory: join(fleet.#directory, 'etcd') }, feed }));
    const argv = [process.execPath, SEGUE_COMMAND, 'feed', '--with-etcd', '-c', fleet.file];
    fleet.#feed = new Background(undefined, argv, { log: join(directory, 'feed.log'), detached });
    try {
      await fleet.#feed.waitFor(/serving nodes/, START_MS);
    } catch (error) {
      await fleet.close();
      throw error;
    }
    if (detached) fleet.#feed.release();
    return fleet;
  }

  /** @param node its name in the intent */
  intentOf(node: string): FedIntent {
    const tls = this.#tls.get(node);
    if (tls === undefined) throw new RangeError(`${node}: expected one of ${[...this.#tls.keys()].join(' ')}`);
    return { feeds: [this.#endpoint], tls, cache: join(this.#directory, `${node}-intent.json`) };
  }

  /** Writes a file's intent to etcd. @throws Error with what the command printed */
  async apply(file: string): Promise<void> {
    await this.segue('intent', 'apply', '-f', file, '--reason', 'the laboratory');
  }

  /** The output of `segue <group> <command> -c <fleet file> …`. @throws Error with what it printed, unless it succeeds */
  segue(group: 'intent' | 'fleet', command: string, ...args: string[]): Promise<string> {
    return outputOf(undefined, [process.execPath, SEGUE_COMMAND, group, command, '-c', this.file, ...args]);
  }

  /** The nodes' reports, once all are well or the time is over. */
  async reports(): Promise<ReportedNode[]> {
    const argv = [process.execPath, SEGUE_COMMAND, 'fleet', 'status', '-c', this.file, '-j'];
    for (const end = performance.now() + START_MS; ;) {
      // Exit code 3: a node is not well.
      const { status, stdout, stderr } = await runIn(undefined, argv);
      if (status !== 0 && status !== 3) throw new Error(`segue fleet status: ${stderr.trim()}`);
      const { nodes } = JSON.parse(stdout) as { nodes: ReportedNode[] };
      if (nodes.every(({ state }) => state === 'ok') || performance.now() > end) return nodes;
    }
  }

  async close(): Promise<void> {
    await this.#feed.stop();
  }

  /** Makes the CA and the nodes' certificates. @returns the feed's files */
  async #certificates(topology: Topology): Promise<TlsFiles> {
    const [ca, caKey] = writePair(this.#directory, 'ca', await newAuthority('segue laboratory', DAYS));
    const authority = Authority.open({ cert: ca, key: caKey });
    const issue = async (names: Names, role: 'node' | 'server'): Promise<TlsFiles> => {
      const key = newKey();
      const certificate = await authority.issue(names, role, publicKeyOf(key), DAYS);
      const [cert, keyFile] = writePair(this.#directory, names.commonName, { certificate, key });
      return { ca, cert, key: keyFile };
    };
    for (const { name } of segueNodes(topology)) {
      const node = netnsOf(topology, name);
      this.#tls.set(node, await issue({ commonName: node, dns: [node] }, 'node'));
    }
    const [address = ''] = this.#endpoint.split(':');
    return issue({ commonName: 'feed', addresses: [address] }, 'server');
  }
}
