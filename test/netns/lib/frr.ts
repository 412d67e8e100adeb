/** FRR's daemons in a namespace, with run-time files of their own: never the system's services. */
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Background } from '../../../lab/process.js';

const DAEMONS = '/usr/lib/frr';
/** Where FRR has the sockets of a path space (-N). */
const RUN = '/var/run/frr';
const START_MS = 300_000;

export interface BgpOptions {
  as: number;
  neighbour: { address: string; as: number };
  /** Whether the node announces its locator: kernel routes that are a /48 of the block. */
  redistribute?: boolean;
}

/** zebra and bgpd of one namespace. */
export class Frr {
  readonly #netns: string;
  readonly #directory: string;
  readonly #daemons: Background[] = [];

  private constructor(netns: string) {
    this.#netns = netns;
    this.#directory = join(RUN, netns);
  }

  static async start(netns: string, options: BgpOptions): Promise<Frr> {
    const frr = new Frr(netns);
    try {
      await frr.#start(options);
    } catch (error) {
      await frr.stop();
      throw error;
    }
    return frr;
  }

  async #start(options: BgpOptions): Promise<void> {
    const { uid, gid } = userOf('frr');
    mkdirSync(this.#directory, { recursive: true });
    for (const path of [RUN, this.#directory]) chownSync(path, uid, gid);
    const file = join(this.#directory, 'frr.conf');
    writeFileSync(file, configuration(options));
    chownSync(file, uid, gid);
    for (const daemon of ['zebra', 'bgpd']) {
      const pid = join(this.#directory, `${daemon}.pid`);
      const argv = [join(DAEMONS, daemon), '-N', this.#netns, '-f', file, '-i', pid, '--log', 'stdout'];
      const made = new Background(this.#netns, argv);
      this.#daemons.push(made);
      await made.waitFor(/ starting: /, START_MS);
    }
  }

  async stop(): Promise<void> {
    // bgpd first: it would withdraw what it said by zebra's end.
    for (const daemon of this.#daemons.splice(0).reverse()) await daemon.stop('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function configuration({ as, neighbour, redistribute = false }: BgpOptions): string {
  const policy = [
    'ipv6 prefix-list LOCATORS seq 5 permit fd00:5e::/32 ge 48 le 48',
    'route-map LOCATOR permit 10',
    ' match ipv6 address prefix-list LOCATORS',
    'exit',
  ];
  return [
    'frr defaults datacenter',
    ...(redistribute ? policy : []),
    `router bgp ${as}`,
    ` bgp router-id 10.255.0.${as % 256}`,
    ' no bgp default ipv4-unicast',
    ` neighbor ${neighbour.address} remote-as ${neighbour.as}`,
    ` neighbor ${neighbour.address} timers connect 1`,
    ' address-family ipv6 unicast',
    `  neighbor ${neighbour.address} activate`,
    ...(redistribute ? ['  redistribute kernel route-map LOCATOR'] : []),
    ' exit-address-family',
    'exit',
    '',
  ].join('\n');
}

function userOf(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error(`no user ${name}: expected FRR installed (scripts/setup)`);
  return { uid: Number(uid), gid: Number(gid) };
}
