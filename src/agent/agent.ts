import { FileSource } from '../intent/file-source.js';
import { checkNodeInIntent, loadNodeConfig } from '../intent/load.js';
import { heldBy } from '../intent/scope.js';
import { KIND_ORDER } from '../plan/plan.js';
import { dropFailedHops } from '../ebpf/failover.js';
import { addHints, everything, isEmpty, merge, noHints, underlayKinds } from './hints.js';
import { Follower } from './follower.js';
import { Instance } from './instance.js';
import { notifySystemd } from './notify-systemd.js';
import { Watch } from './watch.js';
import type { Kinds } from '../reconcile/engine.js';
import type { Hints } from './hints.js';
import type { IntentEvent, IntentSource } from '../intent/source.js';
import type { NodeConfig } from '../intent/types.js';
import type { KindName } from '../plan/plan.js';
import type { NetlinkEvent } from '../netlink/types.js';
import type { Logger } from './log.js';

/** Hints that come within this time are looked at together, milliseconds. */
export const HINT_DELAY_MS = 10;
/** After a failure what it concerned is looked at again: first after this, then twice as long, up to the most. */
export const RETRY_DELAY_MS = 100;
export const MAX_RETRY_DELAY_MS = 30_000;

export interface AgentOptions {
  config: NodeConfig;
  configFile: string;
  log: Logger;
  sweepSeconds: number;
  force: boolean;
  /** In place of the file that the node file names; gives what concerns the node, as heldBy does. */
  source?: IntentSource;
  /** Fewer kinds of objects than the kernel mode's, where the kernel cannot hold all. */
  kinds?: Kinds;
  /** Of the node's pins, in place of the usual one. */
  pinDirectory?: string;
}

/**
 * The daemon: brings what may have changed (intent, kernel, time) before the follower, one thing at a time. It leaves
 * forwarding alone when it stops or dies.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #log: Logger;
  readonly #instance: Instance;
  readonly #follower: Follower;
  readonly #source: IntentSource;
  #watch: Watch | undefined;
  #queue: Promise<void> = Promise.resolve();
  #hints = noHints();
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #retryDelay = RETRY_DELAY_MS;
  #force: boolean;
  #ready = false;
  #underlayAwaited = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#force = options.force;
    this.#instance = new Instance(options.config, options.kinds, options.pinDirectory);
    this.#follower = new Follower(this.#instance, options.log);
    this.#source = options.source ?? fileSource(options);
  }

  /** Starts to follow; returns once the first intent is read, acceptable or not. */
  async start(): Promise<void> {
    // First the ears, then the first list: what changes in between is heard.
    this.#watch = new Watch(this.#instance.kernel, {
      onEvents: this.#onEvents,
      onNftables: () => {
        this.#look(['guard']);
      },
      onSettings: () => {
        this.#look(['sysctl']);
      },
      onXdpFeatures: () => {
        if ((this.#follower.plan?.['bpf-node'].size ?? 0) > 0) this.#look(['bpf-port']);
      },
      onLost: () => {
        this.#log.warn('notifications were lost: everything is compared');
        this.#lookAtAll();
      },
      onError: (error) => {
        this.#log.error({ err: error }, 'watching the kernel');
      },
    });
    this.#sweep = setInterval(() => {
      this.#lookAtAll();
    }, this.#options.sweepSeconds * 1000);
    await this.#source.start(this.#onIntent);
  }

  /** Stops to follow; what the kernel has stays. */
  async stop(): Promise<void> {
    notifySystemd('STOPPING=1');
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    this.#source.close();
    this.#watch?.close();
    await this.#queue;
    this.#instance.close();
  }

  /** Resolves when all that was asked for so far has been done. */
  idle(): Promise<void> {
    return this.#queue;
  }

  /** Lets the intent through that the brake holds. */
  release(): void {
    this.#enqueue(() => this.#follower.release());
  }

  /** Reads the node file again. */
  reload(): void {
    this.#enqueue(async () => {
      const { config } = this.#options;
      const fresh = loadNodeConfig(this.#options.configFile);
      for (const field of ['node', 'netns', 'intent'] as const) {
        if (fresh[field] !== config[field]) {
          throw new Error(
            `${this.#options.configFile}: ${field}: ${fresh[field] ?? 'none'}: expected ${config[field] ?? 'none'} until a restart`,
          );
        }
      }
      return this.#follower.reconfigure(fresh);
    });
  }

  readonly #onIntent = (event: IntentEvent): void => {
    if (event.type === 'error') {
      this.#log.error({ err: event.error }, 'the intent is not acceptable; what ran keeps running');
      return;
    }
    this.#enqueue(async () => {
      const { intent } = event;
      const again =
        event.type === 'snapshot'
          ? await this.#follower.take(intent, this.#force)
          : await this.#follower.change(event.changes, intent);
      this.#force = false;
      if (!this.#ready) {
        this.#ready = true;
        notifySystemd('READY=1');
      }
      return again;
    });
  };

  readonly #onEvents = (events: NetlinkEvent[]): void => {
    const { plan } = this.#follower;
    if (plan === undefined) {
      // Nothing is planned, or the first look is under way and may be past what changed.
      this.#lookAtAll();
      return;
    }
    const { links, nexthopIds } = this.#instance.kernel;
    const uplinks = this.#options.config.uplinks;
    const nameOf = (ifindex: number): string => links.nameOf(ifindex);
    const concerns = (device: string | number): boolean => {
      const name = typeof device === 'number' ? links.nameOf(device) : device;
      return plan.port.has(name) || plan.vrf.has(name) || name === 'lo' || uplinks.includes(name);
    };
    const { asksWays } = this.#follower;
    const isUplink = (device: string): boolean => uplinks.includes(device);
    const nexthopDevices = (id: number, oif: number | undefined): string[] => [
      ...(oif === undefined ? [] : [links.nameOf(oif)]),
      ...(nexthopIds.keyOf(id)?.split(' ').slice(1, 2) ?? []),
    ];
    for (const event of events) {
      // Wireless extensions tell of themselves with next to nothing of the device (wext-core.c).
      if (event.kind === 'link' && event.value.mtu > 0) links.note(event.value, event.change);
      dropFailedHops(this.#instance.kernel, event);
      addHints(this.#hints, event, { plan, concerns, isUplink, nameOf, asksWays, nexthopDevices });
    }
    if (this.#hints.kinds.delete('bpf-underlay')) this.#lookAtUnderlay();
    this.#lookSoon(HINT_DELAY_MS);
  };

  /** What leads over an uplink or a neighbour that fails is lost until the fast path knows: before everything else. */
  #lookAtUnderlay(): void {
    if (this.#underlayAwaited) return;
    this.#underlayAwaited = true;
    this.#enqueue(() => {
      this.#underlayAwaited = false;
      return this.#follower.look({ ...noHints(), kinds: underlayKinds(this.#follower.plan) });
    });
  }

  #look(kinds: KindName[]): void {
    for (const kind of kinds) this.#hints.kinds.add(kind);
    this.#lookSoon(HINT_DELAY_MS);
  }

  #lookAtAll(): void {
    everything(this.#hints, KIND_ORDER);
    this.#lookSoon(0);
  }

  #lookSoon(delay: number): void {
    if (this.#timer !== undefined || isEmpty(this.#hints)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const hints = this.#hints;
      this.#hints = noHints();
      this.#enqueue(() => this.#follower.look(hints));
    }, delay);
  }

  /** Puts a task behind those before it; what it says failed is looked at again later. */
  #enqueue(task: () => Promise<Hints>): void {
    this.#queue = this.#queue
      .then(() => this.#instance.exclusively(task))
      .catch((error: unknown) => {
        this.#log.error({ err: error }, 'failed; what ran keeps running');
        // Whatever was under way may be half done.
        const again = noHints();
        everything(again, KIND_ORDER);
        return again;
      })
      .then((again) => {
        if (isEmpty(again)) {
          this.#retryDelay = RETRY_DELAY_MS;
          return;
        }
        const delay = this.#retryDelay;
        this.#retryDelay = Math.min(delay * 2, MAX_RETRY_DELAY_MS);
        setTimeout(() => {
          merge(this.#hints, again);
          this.#lookSoon(0);
        }, delay).unref();
      });
  }
}

/** The intent file that the node file names, as far as it concerns the node. */
function fileSource({ config, configFile }: AgentOptions): IntentSource {
  return new FileSource(config.intent, {
    select: (intent) => {
      checkNodeInIntent(config, intent, configFile);
      return heldBy(intent, config.node);
    },
  });
}
