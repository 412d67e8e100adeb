import { RESOURCE_ORDER } from '../app/features.js';
import { IntentError } from '../intent/errors.js';
import { loadNodeConfig } from '../intent/load.js';
import { dropFailedHops } from '../ebpf/failover.js';
import { eventContext } from './event-context.js';
import { everything, isEmpty, merge, noInvalidations } from './invalidations.js';
import { fileSource } from './node-source.js';
import { notifySystemd } from './notify-systemd.js';
import { requireSameNode } from './same-node.js';
import { Session } from './session.js';
import { Telemetry } from './telemetry.js';
import { Watchdog } from './watchdog.js';
import { type NetlinkEvent, netnsIdentity } from 'netlink-ts';
import type { Invalidations } from './invalidations.js';
import type { IntentEvent, IntentProgress, IntentSource } from '../intent/source.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { KernelEvent } from '../reconcile/follows.js';
import type { Logger } from './log.js';
import type { SessionOptions } from './session.js';
import type { AgentState, TaskReason } from './telemetry.js';
import type { WatchOptions } from './kernel-watcher.js';

/** Hints that come within this time are looked at together, milliseconds. */
const HINT_DELAY_MS = 10;
/** After a failure what it concerned is looked at again: first after this, then twice as long, up to the most. */
const RETRY_DELAY_MS = 100;
const MAX_RETRY_DELAY_MS = 30_000;
/** How often the bpffs and the namespace's name are looked at: nobody tells of one that is unmounted, hidden by another, or deleted. */
const CHECK_MS = 500;
/** How often the log says how far work is that takes longer. */
const PROGRESS_MS = 10_000;

export interface AgentOptions extends SessionOptions {
  config: NodeConfig;
  sweepSeconds: number;
  force: boolean;
  /** In place of the file that the node file names; gives what concerns the node, as heldBy does. */
  source?: IntentSource;
  /** How often the log says how far long work is, milliseconds; default PROGRESS_MS. */
  progressMs?: number;
  /** Told that the node is this agent's to work on. */
  onOpen?: () => void;
  /** Told of a node file that was read again. */
  onConfig?: () => void;
}

/**
 * The daemon: brings what may have changed (intent, kernel, time) before the reconciler, one thing at a time. It leaves
 * forwarding alone when it stops or dies.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #log: Logger;
  readonly #source: IntentSource;
  readonly telemetry = new Telemetry();
  readonly #watchdog: Watchdog;
  /** Of the intent file as it was last read. */
  #digest: string | null = null;
  #isSweepDue = false;
  #config: NodeConfig;
  /** Undefined while the node's network namespace is not there. */
  #session: Session | undefined;
  /** As the source last gave it: what a new session begins with. */
  #intent: Intent | undefined;
  /** Of what the source gave and is not carried out yet. */
  readonly #unsettled: IntentProgress[] = [];
  #queue: Promise<void> = Promise.resolve();
  #invalidations = noInvalidations();
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #retryDelay = RETRY_DELAY_MS;
  #force: boolean;
  #check: NodeJS.Timeout | undefined;
  #progress: NodeJS.Timeout | undefined;
  #arePinsLost = false;
  #underlayAwaited = false;
  /** Why the last task threw: it is tried again with pauses, and told once. */
  #failure = '';
  #moveAwaited = false;
  #isStopping = false;

  constructor(options: AgentOptions) {
    this.#log = options.log;
    this.#force = options.force;
    this.telemetry.sweepSeconds = options.sweepSeconds;
    this.#config = options.config;
    this.#options = { ...options, telemetry: this.telemetry };
    this.#session = new Session(options.config, this.#options);
    this.#source = options.source ?? fileSource(options, (digest) => (this.#digest = digest));
    this.#watchdog = new Watchdog({
      turns: () => this.telemetry.turns,
      turn: () => this.#enqueue('hint', () => Promise.resolve(noInvalidations())),
      progress: () => this.#progressText,
      status: () => this.telemetry.summary({ held: this.#isHeld }),
    });
  }

  /**
   * Starts to follow; returns once the first intent is read, acceptable or not.
   *
   * @throws WriterError while another agent works on the node, or on its namespace under another name
   */
  async start(): Promise<void> {
    await this.#session?.open(this.#watchOptions);
    if (this.#isStopping) {
      this.#session?.close();
      return;
    }
    this.#options.onOpen?.();
    this.#watchdog.start();
    this.#sweep = setInterval(() => {
      this.#isSweepDue = true;
      this.#lookAtAll();
    }, this.#options.sweepSeconds * 1000);
    this.#check = setInterval(this.#checkPlaces, CHECK_MS);
    const progressMs = this.#options.progressMs ?? PROGRESS_MS;
    this.#progress = setInterval(() => {
      const progress = this.#session?.instance.kernel.progress;
      if (progress !== undefined && progress.ms >= progressMs) this.#log.info({ at: progress.text }, 'still at work');
    }, progressMs);
    await this.#source.start(this.#onIntent);
  }

  /** Stops to follow, whether it has started or not, once the task under way is done; what the kernel has stays. Says nothing more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#log.level = 'silent';
    notifySystemd('STOPPING=1');
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    clearInterval(this.#check);
    clearInterval(this.#progress);
    this.#watchdog.stop();
    this.#source.close();
    this.#session?.deafen();
    await this.#queue;
    this.#session?.close();
  }

  /** How it is, for who asks. */
  get state(): AgentState {
    return this.telemetry.state({ held: this.#isHeld, progress: this.#progressText });
  }

  /** What the node is run with. */
  get config(): NodeConfig {
    return this.#config;
  }

  get #isHeld(): boolean {
    return this.#session?.reconciler.isBlocked === true;
  }

  get #progressText(): string {
    return this.#session?.instance.kernel.progress.text ?? '';
  }

  /** Resolves when all that was asked for so far has been done. */
  idle(): Promise<void> {
    return this.#queue;
  }

  /** Lets the intent through that the removal guard blocks. @returns false: it blocks none */
  release(): boolean {
    this.#enqueue('intent', ({ reconciler }) => reconciler.release());
    return this.#isHeld;
  }

  /** Reads the node file again. */
  reload(): void {
    this.#enqueue('intent', async ({ reconciler }) => {
      const config = this.#config;
      const fresh = loadNodeConfig(this.#options.configFile);
      requireSameNode(config, fresh, this.#options.configFile);
      const again = await reconciler.reconfigure(fresh);
      this.#config = fresh;
      this.#options.onConfig?.();
      return again;
    });
  }

  readonly #onIntent = (event: IntentEvent): void => {
    if (event.type === 'error') {
      const what = event.error instanceof IntentError ? 'is not acceptable' : 'cannot be read; it is tried again';
      this.telemetry.intentRefused(event.error.message);
      this.#log.error({ err: event.error }, `the intent ${what}; what ran keeps running`);
      return;
    }
    this.#intent = event.intent;
    this.telemetry.intentAccepted();
    const digest = this.#digest;
    this.#enqueue('intent', async ({ reconciler }) => {
      const { progress } = event;
      if (progress !== undefined) this.#unsettled.push(progress);
      const onPlanned = (): void => progress?.('planned');
      const again =
        event.type === 'snapshot'
          ? await reconciler.applyIntent(event.intent, this.#force, onPlanned)
          : await reconciler.applyDelta(event.changes, event.intent, { named: event.named === true, onPlanned });
      this.#force = false;
      if (!reconciler.isBlocked) this.telemetry.intentApplied(digest);
      if (!this.telemetry.ready) {
        this.telemetry.ready = true;
        notifySystemd('READY=1');
      }
      return again;
    });
  };

  readonly #watchOptions: WatchOptions = {
    onEvents: (events) => {
      this.#onEvents(events);
    },
    onNftables: (events) => {
      // Others change their tables by the second (kube-proxy): ours are listed when they are touched.
      this.#note({ kind: 'nftables', value: new Set(events.flatMap(({ table }) => table ?? [])) });
    },
    onSettings: () => {
      this.#note({ kind: 'settings', value: undefined });
    },
    onXdpFeatures: () => {
      this.#note({ kind: 'xdp-features', value: undefined });
    },
    onDeviceFeatures: () => {
      this.#note({ kind: 'device-features', value: undefined });
    },
    onLost: () => {
      this.telemetry.eventsWereLost();
      this.#log.warn('notifications were lost: everything is compared');
      this.#lookAtAll();
    },
    onError: (error) => {
      this.#log.error({ err: error }, 'watching the kernel');
    },
  };

  #onEvents(events: NetlinkEvent[]): void {
    this.telemetry.eventsCame(events);
    if (this.#session === undefined) return;
    const { instance, followers, reconciler } = this.#session;
    if (reconciler.plan === undefined) {
      // Nothing is planned, or the first look is under way and may be past what changed.
      this.#lookAtAll();
      return;
    }
    const { kernel } = instance;
    const { links } = kernel;
    const context = eventContext(this.#session, this.#config.uplinks);
    for (const event of events) {
      // Wireless extensions tell of themselves with next to nothing of the device (wext-core.c).
      if (event.kind === 'link' && event.value.mtu > 0) links.note(event.value, event.change);
      dropFailedHops(kernel, event);
      followers.invalidate(this.#invalidations, event, context);
      if (event.kind !== 'link') continue;
      // What was planned for the name that a device had is without one.
      for (const name of links.takeFormerNames(event.value.index)) {
        followers.invalidate(this.#invalidations, { ...event, value: { ...event.value, name } }, context);
      }
    }
    if (followers.takeUnderlay(this.#invalidations)) this.#lookAtUnderlay();
    this.#lookSoon(HINT_DELAY_MS);
  }

  /** Notes what no message of rtnetlink tells of. */
  #note(event: KernelEvent): void {
    if (this.#session === undefined) return;
    this.#session.followers.invalidate(this.#invalidations, event, eventContext(this.#session, this.#config.uplinks));
    this.#lookSoon(HINT_DELAY_MS);
  }

  /** What leads over an uplink or a neighbour that fails is lost until the fast path knows: before everything else. */
  #lookAtUnderlay(): void {
    if (this.#underlayAwaited) return;
    this.#underlayAwaited = true;
    this.#enqueue('hint', ({ reconciler, followers }) => {
      this.#underlayAwaited = false;
      return reconciler.reconcileDirty({ ...noInvalidations(), resources: followers.underlay(reconciler.plan) });
    });
  }

  readonly #checkPlaces = (): void => {
    try {
      if (this.#mayHaveMoved()) {
        if (this.#moveAwaited) return;
        this.#moveAwaited = true;
        // Every task begins with a look at the namespace.
        this.#enqueue('hint', () => Promise.resolve(noInvalidations()));
        return;
      }
      const pins = this.#session?.instance.kernel.fastpath.pins;
      pins?.restore();
      if (pins?.takeRestored() === true) {
        this.#log.warn('the pins of programs and maps were gone: pinned anew');
        this.#lookAtAll();
      }
      this.#arePinsLost = false;
    } catch (error) {
      if (!this.#arePinsLost) this.#log.error({ err: error }, 'programs run on while this process does');
      this.#arePinsLost = true;
    }
  };

  #lookAtAll(): void {
    everything(this.#invalidations, RESOURCE_ORDER);
    this.#lookSoon(0);
  }

  #lookSoon(delay: number): void {
    if (this.#timer !== undefined || isEmpty(this.#invalidations)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const invalidations = this.#invalidations;
      this.#invalidations = noInvalidations();
      const reason = this.#isSweepDue ? 'sweep' : 'hint';
      this.#isSweepDue = false;
      this.#enqueue(reason, ({ reconciler }) => reconciler.reconcileDirty(invalidations));
    }, delay);
  }

  /** Whether the namespace is gone, is another, or is back. */
  #mayHaveMoved(): boolean {
    const { netns } = this.#config;
    if (this.#session !== undefined) return !this.#session.instance.kernel.isCurrent();
    return netns !== undefined && netnsIdentity(netns) !== undefined;
  }

  /** Leaves a namespace that lost its name, so that nothing of this process keeps it alive, and begins anew in the one that has it. */
  async #move(): Promise<Invalidations> {
    if (!this.#mayHaveMoved()) return noInvalidations();
    const { netns = '' } = this.#config;
    if (this.#session !== undefined) {
      this.#session.instance.beginAnew();
      this.#session.close();
      this.#session = undefined;
      if (netnsIdentity(netns) === undefined) {
        this.#log.warn({ netns }, 'the network namespace is gone: waiting for one of its name');
        return noInvalidations();
      }
    }
    const session = new Session(this.#config, this.#options);
    await session.open(this.#watchOptions);
    this.#session = session;
    this.#log.warn({ netns }, 'another network namespace has the name: all is made anew in it');
    const intent = this.#intent;
    return intent === undefined
      ? noInvalidations()
      : session.instance.withNodeLock(() => session.reconciler.applyIntent(intent, true));
  }

  /** Puts a task behind those before it; what it says failed is looked at again later. */
  #enqueue(reason: TaskReason, task: (session: Session) => Promise<Invalidations>): void {
    this.telemetry.taskQueued();
    this.#queue = this.#queue
      .then(async () => {
        this.#moveAwaited = false;
        this.telemetry.taskBegins();
        if (this.#isStopping) return noInvalidations();
        const again = await this.#move();
        const session = this.#session;
        if (session !== undefined) merge(again, await session.instance.withNodeLock(() => task(session)));
        this.#failure = '';
        this.telemetry.taskEnds(reason, '');
        // What was begun of the intent is done, by this task or by an earlier one that had failed.
        if (!this.#isHeld) for (const progress of this.#unsettled.splice(0)) progress('applied');
        return again;
      })
      .catch((error: unknown) => {
        const failure = String(error);
        if (failure !== this.#failure) this.#log.error({ err: error }, 'failed; what ran keeps running');
        this.#failure = failure;
        this.telemetry.taskEnds(reason, error instanceof Error ? error.message : failure);
        // Whatever was under way may be half done.
        const again = noInvalidations();
        everything(again, RESOURCE_ORDER);
        return again;
      })
      .then((again) => {
        if (this.#isStopping) return;
        if (isEmpty(again)) {
          this.#retryDelay = RETRY_DELAY_MS;
          return;
        }
        const delay = this.#retryDelay;
        this.#retryDelay = Math.min(delay * 2, MAX_RETRY_DELAY_MS);
        setTimeout(() => {
          merge(this.#invalidations, again);
          this.#lookSoon(0);
        }, delay).unref();
      });
  }
}
