/** A real guest: QEMU's emulation, the VM tests' kernel, busybox, virtio-net on a TAP of a namespace; and its monitor. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Background } from '../../../lab/process.js';
import { until } from './steering.js';
import type { Socket } from 'node:net';

const KERNEL = fileURLToPath(new URL('../../../.cache/vm/kernel', import.meta.url));
/** What virtio-net needs, in the order of loading. */
const MODULES = ['net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'];
const MEMORY_MB = 128;
const READY = 'guest: ready';

export interface GuestFiles {
  kernel: string;
  initrd: string;
}

/**
 * Packs the guest's whole file system.
 *
 * @param network shell: how it sets eth0 up
 */
export function makeGuest(directory: string, network: string): GuestFiles {
  const complete = join(KERNEL, 'complete');
  if (!existsSync(complete)) throw new Error(`${complete}: expected the VM's kernel; scripts/setup fetches it`);
  const release = readFileSync(complete, 'utf8').trim();
  const root = join(directory, 'initramfs');
  for (const name of ['bin', 'proc', 'modules']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(shell('command -v busybox').trim(), join(root, 'bin/busybox'));
  const modules = MODULES.map((path) => `${KERNEL}/lib/modules/${release}/kernel/${path}.ko`);
  for (const path of modules)
    shell(
      `[ -e ${path} ] && cp ${path} ${root}/modules || { cd ${root}/modules && xz -dkc ${path}.xz > $(basename ${path}); }`,
    );
  const init = [
    '#!/bin/busybox sh',
    '/bin/busybox --install /bin',
    'mount -t proc proc /proc',
    ...modules.map((path) => `insmod /modules/$(basename ${path})`),
    network,
    `echo "${READY}"`,
    'while :; do sleep 3600; done',
  ];
  writeFileSync(join(root, 'init'), `${init.join('\n')}\n`, { mode: 0o755 });
  const initrd = join(directory, 'initrd');
  shell(`cd ${root} && find . | cpio -o -H newc --quiet -R 0:0 > ${initrd}`);
  return { kernel: `${KERNEL}/boot/vmlinuz-${release}`, initrd };
}

function shell(script: string): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-euc', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}

export interface QemuOptions extends GuestFiles {
  /** of the hypervisor */
  netns: string;
  tap: string;
  mac: string;
  /** of the monitor's socket and the console's log */
  directory: string;
  name: string;
  /** path of a Unix socket: it waits there for a guest that migrates */
  incoming?: string;
}

interface QmpEvent {
  event: string;
  /** by the host's clock */
  timestamp: { seconds: number; microseconds: number };
  data?: Record<string, unknown>;
}

export class Qemu {
  readonly #process: Background;
  readonly #socket: Socket;
  readonly #console: string;
  readonly #events: QmpEvent[] = [];
  readonly #answers: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  #watchers: (() => void)[] = [];

  private constructor(process: Background, socket: Socket, console: string) {
    this.#process = process;
    this.#socket = socket;
    this.#console = console;
    createInterface(socket).on('line', (line) => {
      this.#take(JSON.parse(line) as Record<string, unknown>);
    });
  }

  static async start(options: QemuOptions): Promise<Qemu> {
    const { netns, tap, mac, kernel, initrd, directory, name, incoming } = options;
    const [monitor, console] = [join(directory, `${name}.qmp`), join(directory, `${name}.console`)];
    writeFileSync(console, '');
    const argv = [
      'qemu-system-x86_64',
      ...['-machine', 'q35', '-accel', 'tcg', '-cpu', 'max,la57=off', '-m', String(MEMORY_MB)],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', 'console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off tsc=reliable'],
      ...['-chardev', `file,id=console,path=${console}`, '-serial', 'chardev:console'],
      ...['-netdev', `tap,id=n0,ifname=${tap},script=no,downscript=no`],
      ...['-device', `virtio-net-pci,netdev=n0,mac=${mac},romfile=`],
      ...['-qmp', `unix:${monitor},server=on,wait=off`],
      ...(incoming === undefined ? [] : ['-incoming', `unix:${incoming}`]),
    ];
    const background = new Background(netns, argv);
    try {
      const qemu = new Qemu(background, await connected(background, monitor), console);
      await qemu.execute('qmp_capabilities');
      return qemu;
    } catch (error) {
      await background.stop('SIGKILL');
      throw error;
    }
  }

  /** Resolves when the guest's network is set up. */
  async ready(): Promise<void> {
    await until(`${READY} on the console`, () => {
      if (this.#process.hasEnded) throw new Error(`qemu ended: ${this.#process.output}`);
      return readFileSync(this.#console, 'utf8').includes(READY);
    });
  }

  /** A command of the monitor (QMP). @throws Error with what QEMU says */
  execute<T = unknown>(command: string, args?: Record<string, unknown>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#answers.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }) })}\n`);
    });
  }

  /**
   * Resolves when QEMU has sent an event, which it may have already.
   *
   * @returns when it happened, seconds since 1970
   */
  async event(name: string, fits: (data: Record<string, unknown>) => boolean = () => true): Promise<number> {
    for (;;) {
      const found = this.#events.find(({ event, data = {} }) => event === name && fits(data));
      if (found !== undefined) return found.timestamp.seconds + found.timestamp.microseconds / 1e6;
      if (this.#process.hasEnded) throw new Error(`qemu ended before ${name}: ${this.#process.output}`);
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    await this.#process.stop('SIGKILL');
  }

  #take(message: Record<string, unknown>): void {
    if ('event' in message) this.#events.push(message as unknown as QmpEvent);
    else if ('return' in message) this.#answers.shift()?.resolve(message.return);
    else if ('error' in message) this.#answers.shift()?.reject(new Error(JSON.stringify(message.error)));
    for (const wake of this.#watchers.splice(0)) wake();
  }
}

function connected(background: Background, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      const socket = connect(path);
      socket.once('connect', () => {
        socket.on('error', () => undefined);
        resolve(socket);
      });
      socket.once('error', () => {
        if (background.hasEnded) reject(new Error(`qemu: ${background.output}`));
        else setTimeout(attempt, 50);
      });
    };
    attempt();
  });
}
