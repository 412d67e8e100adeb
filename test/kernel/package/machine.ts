/**
 * A machine to install a package on: this one's files under an overlay, in a mount namespace of its own, with an empty
 * /run and bpffs. dpkg and the package's scripts run in it as on any machine without systemd; their changes vanish with
 * it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { netnsPath } from 'netlink-ts';
import type { Ended } from '../../../lab/process.js';

const START_MS = 300_000;
const CONVERGE_MS = 200_000;
/** Where in it the agent's log is. */
const AGENT_LOG = '/tmp/agent.log';

/** Shell, with $1 the directory, whose `root` is the machine's, and $2 what is to be seen at its /mnt. */
const MOUNT = `
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
for folder in proc sys dev; do mount --rbind /$folder root/$folder; done
mount -t tmpfs tmpfs root/run
mount -t tmpfs tmpfs root/tmp
mount --bind "$2" root/mnt
rm -rf root/etc/segue root/var/lib/segue
# One that segue does not refuse as private to a mount namespace that ends with a command.
mount -t bpf bpf root/sys/fs/bpf
mount --make-shared root/sys/fs/bpf
echo ready
exec sleep infinity`;

export class Machine {
  /** of its files, as they are seen in its mount namespace */
  readonly #directory: string;
  readonly #netns: string;
  readonly #holder: Background;
  #agent: Background | undefined;

  private constructor(directory: string, netns: string, holder: Background) {
    this.#directory = directory;
    this.#netns = netns;
    this.#holder = holder;
  }

  /**
   * @param netns named network namespace that is the machine's own
   * @param media a directory, which it has at /mnt
   */
  static async start(netns: string, media: string): Promise<Machine> {
    const directory = mkdtempSync(join(tmpdir(), 'segue-machine-'));
    const shell = ['bash', '-euc', MOUNT, 'bash', directory, media];
    const holder = new Background(undefined, ['unshare', '--mount', '--propagation', 'private', ...shell]);
    await holder.waitFor(/ready/, START_MS);
    return new Machine(directory, netns, holder);
  }

  /** A program on it, to its end. */
  run(...argv: string[]): Promise<Ended> {
    return runIn(undefined, [...this.#enter(), ...argv]);
  }

  /** A shell's script on it, which must succeed. */
  shell(script: string): Promise<string> {
    return outputOf(undefined, [...this.#enter(), 'bash', '-euo', 'pipefail', '-c', script]);
  }

  /** Files that are there or gone since it was started, but for those under mounts: `/etc/group`. */
  async changed(): Promise<string[]> {
    const argv = [
      ...this.#mountNamespace(),
      'find',
      join(this.#directory, 'upper'),
      '!',
      '-type',
      'd',
      '-printf',
      '/%P\\n',
    ];
    return (await outputOf(undefined, argv)).trim().split('\n').sort();
  }

  async write(file: string, text: string): Promise<void> {
    await outputOf(undefined, [...this.#enter(), 'tee', file], { input: text });
  }

  /** What dpkg says. @throws Error with that when it fails */
  async dpkg(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run('dpkg', '--force-unsafe-io', ...words);
    if (status !== 0) throw new Error(`dpkg ${words.join(' ')}: ${stderr}${stdout}`);
    return stdout + stderr;
  }

  /** Starts what a unit starts, with the unit's capabilities, and waits until its agent has converged. */
  async startAgent(unit: string): Promise<void> {
    const text = await this.shell(`cat ${unit}`);
    const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    const capabilities = value('CapabilityBoundingSet').toLowerCase().replaceAll('cap_', '+').replaceAll(' ', ',');
    const groups = ['setpriv', '--groups', value('SupplementaryGroups').replaceAll(' ', ',')];
    const bound = [...groups, 'setpriv', '--inh-caps=-all', `--bounding-set=-all,${capabilities}`, '--no-new-privs'];
    const script = `exec "$@" >${AGENT_LOG} 2>&1`;
    const argv = [...bound, 'sh', '-c', script, 'sh', ...value('ExecStart').split(' ')];
    const agent = new Background(undefined, [...this.#enter(), ...argv]);
    this.#agent = agent;
    for (const end = performance.now() + CONVERGE_MS; ;) {
      const log = await this.log();
      if (log.includes('converged on the intent')) return;
      if (agent.hasEnded || performance.now() > end) throw new Error(`the agent did not converge: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  log(): Promise<string> {
    return this.shell(`cat ${AGENT_LOG} 2>/dev/null || :`);
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async stop(): Promise<void> {
    await this.#agent?.stop('SIGKILL');
    await this.#holder.stop('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #mountNamespace(): string[] {
    return ['nsenter', `--mount=/proc/${this.#holder.child.pid}/ns/mnt`];
  }

  #enter(): string[] {
    const network = `--net=${netnsPath(this.#netns)}`;
    return [...this.#mountNamespace(), network, 'chroot', join(this.#directory, 'root')];
  }
}
