/**
 * A real etcd for tests: each member has a loopback address of its own, data in memory, and certificates made by
 * openssl.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import type { ChildProcess } from 'node:child_process';
import type { EtcdConfig, TlsFiles } from '../../../src/fleet/types.js';

const MEMORY = '/dev/shm';
/** The directory of another etcd and etcdctl than the machine's: SEGUE_ETCD. */
const PROGRAMS = process.env.SEGUE_ETCD;

export function program(name: 'etcd' | 'etcdctl'): string {
  return PROGRAMS === undefined ? name : join(PROGRAMS, name);
}

/** An address of 127.0.0.0/8 that no other test of this machine has. */
export function loopbackAddress(): string {
  return `127.${randomInt(64, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
}

export function newDirectory(): string {
  return mkdtempSync(join(MEMORY, 'segue-fleet-'));
}

/** A CA in a directory. */
export class Authority {
  readonly directory: string;
  readonly ca: string;
  #serial = 1;

  constructor(directory: string, name = 'ca') {
    this.directory = directory;
    this.ca = join(directory, `${name}.pem`);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${this.ca}.key`];
    openssl('req', '-x509', ...key, '-out', this.ca, '-days', '2', '-subj', `/CN=${name}`);
  }

  /** @param names `DNS:…`, `IP:…` */
  issue(commonName: string, names: string[] = []): TlsFiles {
    const base = join(this.directory, `${commonName}-${this.#serial++}`);
    const [cert, key] = [`${base}.pem`, `${base}.key`];
    const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
    openssl('req', ...fresh, '-out', `${base}.csr`, '-subj', `/CN=${commonName}`);
    writeFileSync(`${base}.ext`, names.length > 0 ? `subjectAltName=${names.join()}\n` : '');
    const signed = ['-CA', this.ca, '-CAkey', `${this.ca}.key`, '-set_serial', String(this.#serial), '-days', '2'];
    openssl('x509', '-req', '-in', `${base}.csr`, ...signed, '-extfile', `${base}.ext`, '-out', cert);
    return { ca: this.ca, cert, key };
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

export interface EtcdOptions {
  /** Absent: without TLS. */
  tls?: TlsFiles;
  /** Name of the data directory, which another member may have left. */
  data?: string;
  address?: string;
  /** Names the cluster: another token is another cluster. */
  token?: string;
  /** Name of the member; default m. */
  name?: string;
  /** All members, name=peer URL; default: this one alone. */
  cluster?: () => string;
}

/** Members that are one cluster: which of them leads, and each by itself. */
export class Cluster {
  readonly members: Etcd[];

  constructor(directory: string, size: number) {
    const cluster = (): string => this.members.map(({ name, peer }) => `${name}=${peer}`).join();
    this.members = Array.from(
      { length: size },
      (_, i) => new Etcd(directory, { name: `m${i}`, data: `m${i}`, cluster }),
    );
  }

  config(): EtcdConfig {
    return { endpoints: this.members.map(({ endpoint }) => endpoint) };
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  /** By what the members say of themselves. */
  async leader(): Promise<Etcd> {
    for (;;) {
      for (const member of this.members) {
        try {
          const [line = ''] = member.ctl(['endpoint', 'status', '--command-timeout', '2s']).split('\n');
          // endpoint, id, version, size, is leader, …
          if (line.split(', ')[4] === 'true') return member;
        } catch {
          // It is down.
        }
      }
      await sleep(100);
    }
  }
}

/** One member; a cluster by itself unless it is told of others. */
export class Etcd {
  readonly address: string;
  readonly endpoint: string;
  readonly directory: string;
  readonly #options: EtcdOptions;
  #child: ChildProcess | undefined;

  constructor(directory: string, options: EtcdOptions = {}) {
    this.directory = directory;
    this.#options = options;
    this.address = options.address ?? loopbackAddress();
    this.endpoint = `${options.tls ? 'https' : 'http'}://${this.address}:2379`;
  }

  get name(): string {
    return this.#options.name ?? 'm';
  }

  get data(): string {
    return join(this.directory, this.#options.data ?? 'data');
  }

  get peer(): string {
    return `http://${this.address}:2380`;
  }

  config(tls?: TlsFiles): EtcdConfig {
    return { endpoints: [this.endpoint], ...(tls && { tls }) };
  }

  /** Resolves once it answers. */
  async start(): Promise<void> {
    const { tls, token = 'segue' } = this.#options;
    const secure = tls
      ? ['--cert-file', tls.cert, '--key-file', tls.key, '--trusted-ca-file', tls.ca, '--client-cert-auth']
      : [];
    const args = [
      ...['--name', this.name, '--data-dir', this.data, '--initial-cluster-token', token, '--logger', 'zap'],
      ...['--listen-client-urls', this.endpoint, '--advertise-client-urls', this.endpoint],
      ...['--listen-peer-urls', this.peer, '--initial-advertise-peer-urls', this.peer],
      ...['--initial-cluster', this.#options.cluster?.() ?? `m=${this.peer}`],
      ...['--log-outputs', join(this.directory, `etcd-${this.name}.log`)],
      ...secure,
    ];
    this.#child = spawn(program('etcd'), args, { stdio: 'ignore' });
    await this.#answers();
  }

  async #answers(): Promise<void> {
    const tls = this.#options.tls;
    for (;;) {
      if (this.#child?.exitCode !== null)
        throw new Error(`etcd has ended: see ${this.directory}/etcd-${this.name}.log`);
      const client = new EtcdClient(this.config(tls));
      try {
        await client.range({ key: Buffer.from('x') });
        return;
      } catch (error) {
        // Permission is an answer.
        if (/user name is empty|permission denied/.test((error as Error).message)) return;
        await sleep(50);
      } finally {
        client.close();
      }
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it at once, as a power failure would; the data stay. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** etcdctl of the v3 API. @returns what it prints */
  ctl(args: string[], tls = this.#options.tls): string {
    const secure = tls ? ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key] : [];
    const env = { ...process.env, ETCDCTL_API: '3' };
    return execFileSync(program('etcdctl'), ['--endpoints', this.endpoint, ...secure, ...args], {
      encoding: 'utf8',
      env,
      stdio: 'pipe',
    });
  }
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
