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
import { Unsettled } from './unsettled.js';
import { Watchdog } from './watchdog.js';
import { type NetlinkEvent, netnsIdentity } from 'netlink-ts';
import type { Invalidations } from './invalidations.js';
import type { IntentEvent, IntentSource } from '../intent/source.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { KernelEvent } from '../reconcile/follows.js';
import type { Logger } from './log.js';
import type { SessionOptions } from './session.js';
import type { AgentState, TaskReason } from './telemetry.js';
import type { WatchOptions } from './kernel-watcher.js';

/** Delay before notifications are handled, in milliseconds: those that arrive meanwhile are handled together. */
const HINT_DELAY_MS = 10;
/** Delay before failed objects are retried, in milliseconds. It doubles with each failure, up to MAX_RETRY_DELAY_MS. */
const RETRY_DELAY_MS = 100;
const MAX_RETRY_DELAY_MS = 30_000;
/**
 * Interval of the check of the bpffs and of the namespace's name, in milliseconds: unmounting, shadowing or deleting them sends no notification.
 */
const CHECK_MS = 500;
/** Interval at which the log reports the progress of a long task, in milliseconds. */
const PROGRESS_MS = 10_000;

export interface AgentOptions extends SessionOptions {
  config: NodeConfig;
  sweepSeconds: number;
  force: boolean;
  /** Replaces the intent file that the node file names. Must give only the part that is relevant to the node (`relevantTo`). */
  source?: IntentSource;
  /** Interval at which the log reports the progress of a long task, in milliseconds; default PROGRESS_MS. */
  progressMs?: number;
  /** Called once the agent holds the node. */
  onOpen?: () => void;
  /** Called after the node file was read again. */
  onConfig?: () => void;
}

/**
 * The daemon: turns changes of the intent, notifications of the kernel and timers into tasks for the reconciler, which run one at a time.
 * Forwarding goes on when it stops or dies.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #log: Logger;
  readonly #source: IntentSource;
  readonly telemetry = new Telemetry();
  readonly #watchdog: Watchdog;
  /** Digest of the intent file as last read. */
  #digest: string | null = null;
  #isSweepDue = false;
  #config: NodeConfig;
  /** Undefined while the node's network namespace does not exist. */
  #session: Session | undefined;
  /** The last intent that the source gave; a new session starts from it. */
  #intent: Intent | undefined;
  readonly #unsettled = new Unsettled(this.telemetry);
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
  /** Error of the last task, if it threw: the task is retried with pauses, and the error is logged once. */
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
   * Starts following the intent and the kernel; returns once the first intent was read, whether it was accepted or refused.
   *
   * @throws WriterError while another agent holds the node, or its namespace under another node name
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

  /** Stops, started or not, once the current task is done. Leaves the kernel's state in place. Logs nothing from here on. */
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

  /** State for the API. */
  get state(): AgentState {
    return this.telemetry.state({ held: this.#isHeld, progress: this.#progressText });
  }

  /** The node's configuration in force. */
  get config(): NodeConfig {
    return this.#config;
  }

  get #isHeld(): boolean {
    return this.#session?.reconciler.isBlocked === true;
  }

  get #progressText(): string {
    return this.#session?.instance.kernel.progress.text ?? '';
  }

  /** Resolves when every task queued so far is done. */
  idle(): Promise<void> {
    return this.#queue;
  }

  /** Applies the intent that the removal guard blocks. @returns false if it blocks none */
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
      const what = event.error instanceof IntentError ? 'is not valid' : 'cannot be read, and is read again';
      this.telemetry.intentRefused(event.error.message);
      this.#log.error({ err: event.error }, `the intent ${what}; forwarding continues unchanged`);
      return;
    }
    this.#intent = event.intent;
    this.telemetry.intentAccepted();
    const digest = this.#digest;
    this.#enqueue('intent', async ({ reconciler }) => {
      const { progress } = event;
      this.#unsettled.take(digest, progress);
      const onPlanned = (): void => progress?.('planned');
      const again =
        event.type === 'snapshot'
          ? await reconciler.applyIntent(event.intent, this.#force, onPlanned)
          : await reconciler.applyDelta(event.changes, event.intent, { named: event.named === true, onPlanned });
      this.#force = false;
      return again;
    });
  };

  readonly #watchOptions: WatchOptions = {
    onEvents: (events) => {
      this.#onEvents(events);
    },
    onNftables: (events) => {
      // nftables tables of others may change every second (kube-proxy): only changes of segue's own tables cause a listing.
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
      this.#log.warn('kernel notifications were lost: comparing everything');
      this.#lookAtAll();
    },
    onError: (error) => {
      this.#log.error({ err: error }, 'listening for kernel notifications failed');
    },
  };

  #onEvents(events: NetlinkEvent[]): void {
    this.telemetry.eventsCame(events);
    if (this.#session === undefined) return;
    const { instance, followers, reconciler } = this.#session;
    if (reconciler.plan === undefined) {
      // Either there is no plan yet, or the first diff is under way and may already have passed the changed object.
      this.#lookAtAll();
      return;
    }
    const { kernel } = instance;
    const { links } = kernel;
    const context = eventContext(this.#session, this.#config.uplinks);
    for (const event of events) {
      // Messages of wireless extensions carry almost none of the device's attributes (wext-core.c).
      if (event.kind === 'link' && event.value.mtu > 0) links.note(event.value, event.change);
      dropFailedHops(kernel, event);
      followers.invalidate(this.#invalidations, event, context);
      if (event.kind !== 'link') continue;
      // A renamed device: objects planned for its former name have lost their device.
      for (const name of links.takeFormerNames(event.value.index)) {
        followers.invalidate(this.#invalidations, { ...event, value: { ...event.value, name } }, context);
      }
    }
    if (followers.takeUnderlay(this.#invalidations)) this.#lookAtUnderlay();
    this.#lookSoon(HINT_DELAY_MS);
  }

  /** Notes a change for which rtnetlink sends no message. */
  #note(event: KernelEvent): void {
    if (this.#session === undefined) return;
    this.#session.followers.invalidate(this.#invalidations, event, eventContext(this.#session, this.#config.uplinks));
    this.#lookSoon(HINT_DELAY_MS);
  }

  /** Packets over a failed uplink or neighbour are lost until the fast path is updated: this precedes all other invalidations. */
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
        // Every task checks the namespace first (#move).
        this.#enqueue('hint', () => Promise.resolve(noInvalidations()));
        return;
      }
      const pins = this.#session?.instance.kernel.fastpath.pins;
      pins?.restore();
      if (pins?.takeRestored() === true) {
        this.#log.warn('the pins of programs and maps were gone: pinned again');
        this.#lookAtAll();
      }
      this.#arePinsLost = false;
    } catch (error) {
      if (!this.#arePinsLost) this.#log.error({ err: error }, 'programs stay attached only while this process runs');
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
      const isWhole = RESOURCE_ORDER.every((name) => invalidations.resources.has(name));
      this.#enqueue(reason, async ({ reconciler }) => {
        const again = await reconciler.reconcileDirty(invalidations);
        if (isWhole) this.#unsettled.comparedAll();
        return again;
      });
    }, delay);
  }

  /** Whether the namespace is gone, was replaced, or is back. */
  #mayHaveMoved(): boolean {
    const { netns } = this.#config;
    if (this.#session !== undefined) return !this.#session.instance.kernel.isCurrent();
    return netns !== undefined && netnsIdentity(netns) !== undefined;
  }

  /**
   * Closes the session of a namespace that lost its name, so that this process does not keep it alive, and opens one in the namespace that has the
   * name.
   */
  async #move(): Promise<Invalidations> {
    if (!this.#mayHaveMoved()) return noInvalidations();
    const { netns = '' } = this.#config;
    if (this.#session !== undefined) {
      this.#session.instance.beginAnew();
      this.#session.close();
      this.#session = undefined;
      if (netnsIdentity(netns) === undefined) {
        this.#log.warn({ netns }, 'the network namespace is gone: waiting for a new one of that name');
        return noInvalidations();
      }
    }
    const session = new Session(this.#config, this.#options);
    await session.open(this.#watchOptions);
    this.#session = session;
    this.#log.warn({ netns }, 'a new network namespace has the name: making everything in it');
    const intent = this.#intent;
    return intent === undefined
      ? noInvalidations()
      : session.instance.withNodeLock(() => session.reconciler.applyIntent(intent, true));
  }

  /** Appends a task to the queue. Objects that the task returns as failed are retried later. */
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
        this.#unsettled.settle(this.#isHeld);
        return again;
      })
      .catch((error: unknown) => {
        const failure = String(error);
        if (failure !== this.#failure)
          this.#log.error({ err: error }, 'the task failed, and is tried again; forwarding continues');
        this.#failure = failure;
        this.telemetry.taskEnds(reason, error instanceof Error ? error.message : failure);
        // The task may have been carried out in part.
        this.#unsettled.threw();
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
