import { setTimeout as sleep } from 'node:timers/promises';
import { SetDigest } from '../digest.js';
import { diffIntent } from '../../app/intent.js';
import { readVersion } from '../../agent/version.js';
import { readCache, writeCache } from './cache.js';
import { certificateEndsMs, NO_FACTS } from './agent-facts.js';
import { FeedConnection } from './connection.js';
import { Renewal } from './renewal.js';
import { intentChangesOf, partOfIntent } from './part.js';
import { PartChecks } from './part-checks.js';
import { PartVersion } from './part-version.js';
import { ProgressTracker } from './progress.js';
import { Reporter } from './reporter.js';
import { writeFeedStatus } from './status.js';
import { FEED_PROTOCOL } from '../rpc.js';
import { clip } from '../status/node-status.js';
import type { Intent, NodeConfig } from '../../intent/types.js';
import type { IntentListener, IntentSource } from '../../intent/source.js';
import type { Update } from '../rpc.js';
import type { EntityValue, StoredChange } from '../types.js';
import type { AgentFacts } from './agent-facts.js';
import type { FedStamps } from './progress.js';
import type { FeedStatus } from './status.js';
import type { NodeStatus } from '../status/node-status.js';

/** How long start() waits for the first message without a cache, in milliseconds; the message may arrive later. */
const FIRST_MS = 5000;
/** Delay of writing the cache after a change, in milliseconds. It grows for large parts, so that writing takes at most a twentieth of the time. */
const CACHE_DELAY_MS = 200;
const CACHE_SHARE = 20;

export interface FeedSourceOptions {
  config: NodeConfig;
  /** Name of the node file, for messages. */
  configFile: string;
  runDirectory: string;
  /** The agent's part of the node's status; default: nothing. */
  facts?: () => AgentFacts;
  /** Parses a value of a message from JSON; default: JSON.parse. Sources of one process may share equal values this way. */
  parse?: (text: string) => EntityValue;
  /** Neither reads nor writes the cache. */
  withoutCache?: boolean;
}

/**
 * A node's part of the intent, received from a feed. Each message is applied as a whole or refused with an error, which leaves the node's part
 * unchanged. Without a feed the node keeps its part, after a restart that of the cache.
 */
export class FeedSource implements IntentSource {
  readonly #options: FeedSourceOptions;
  readonly #connection: FeedConnection;
  readonly #renewal: Renewal;
  /** Why renewing the certificate failed; undefined: it did not. */
  #notRenewed: string | undefined;
  #listener: IntentListener | undefined;
  /** The part as last received from the feed. */
  #received = PartVersion.of();
  #digest = new SetDigest();
  #epoch = '';
  #sequence = 0;
  /** Changes of an incomplete message. */
  #parts: Update['changes'] = [];
  #isSnapshot = false;
  /** The intent last given to the listener. */
  #given: Intent | undefined;
  #givenSequence = 0;
  readonly #checks: PartChecks;
  /** Why the received part was refused; the next message is compared with the intent last given. */
  #refused: string | undefined;
  #status: FeedStatus = { epoch: '', sequence: 0 };
  #cacheTimer: NodeJS.Timeout | undefined;
  #cacheDelayMs = CACHE_DELAY_MS;
  #heard: () => void = () => undefined;
  readonly #progress = new ProgressTracker();
  readonly #reporter: Reporter;

  constructor(options: FeedSourceOptions) {
    this.#options = options;
    this.#checks = new PartChecks(options.config, options.configFile);
    const { node, feeds } = options.config;
    if (feeds === undefined) throw new Error('the node file names no feeds');
    this.#connection = new FeedConnection({
      ...{ node, feeds: feeds.endpoints, tls: feeds.tls, version: readVersion() },
      has: () => ({ epoch: this.#epoch, sequence: this.#sequence, digest: this.#digest.hex }),
      begun: () => {
        this.#parts = [];
      },
      update: (update, feed) => this.#update(update, feed),
      lost: (feed, why) => {
        this.#lost(feed, why);
      },
    });
    this.#renewal = new Renewal({
      certificate: feeds.tls.cert,
      renew: async () => (await import('../enroll/client.js')).renew(this.#connection.feed, node, feeds.tls),
      renewed: () => {
        this.#notRenewed = undefined;
        this.#setStatus(this.#status);
        this.#connection.replace();
      },
      failed: (why) => {
        this.#notRenewed = why;
        this.#setStatus(this.#status);
        this.#error(new Error(`the certificate was not renewed: ${why}`));
      },
    });
    this.#reporter = new Reporter({
      status: () => Buffer.from(JSON.stringify(this.nodeStatus)),
      send: (status) => this.#connection.report(status),
    });
  }

  /** Statistics of its connections. */
  get connections(): { resumed: number; full: number; streams: number; lastStreamMs: number } {
    const { sessions, streams, lastStreamMs } = this.#connection;
    const { resumed, full } = sessions;
    return { resumed, full, streams, lastStreamMs };
  }

  /** Reconnects as after a failure. @param byCertificate discards the TLS session */
  reconnect(byCertificate: boolean): void {
    if (byCertificate) this.#connection.sessions.forget();
    this.#connection.reconnect();
  }

  /** The node's status. */
  get nodeStatus(): NodeStatus {
    const { config, facts = () => NO_FACTS } = this.#options;
    const { behindMs } = this.#status;
    return {
      ...facts(),
      ...{ version: readVersion(), protocol: FEED_PROTOCOL, schema: this.#given?.version ?? 0 },
      ...{ dataplane: config.dataplane, epoch: this.#epoch, sequence: this.#sequence },
      ...{ applied: this.#progress.applied(this.#refused === undefined ? this.#sequence : this.#givenSequence) },
      ...{ digest: this.#digest.hex, ports: this.#checks.ownPorts },
      refused: this.#refused === undefined ? null : clip(this.#refused),
      staleSinceMs: behindMs === undefined ? null : Date.now() - behindMs,
      certificateEndsMs: config.feeds === undefined ? null : certificateEndsMs(config.feeds.tls.cert),
      latency: this.#progress.latency,
    };
  }

  async start(listener: IntentListener): Promise<void> {
    this.#listener = listener;
    this.#readCache();
    const first = new Promise<void>((resolve) => {
      this.#heard = resolve;
    });
    this.#connection.start();
    this.#renewal.start();
    if (this.#given !== undefined) return;
    await Promise.race([first, sleep(FIRST_MS, undefined, { ref: false })]);
    if ((this.#given as Intent | undefined) === undefined && this.#refused === undefined) {
      this.#error(
        new Error(
          `no feed answers, and there is no cached intent: ${this.#status.error ?? 'the first message has not come yet'}`,
        ),
      );
    }
  }

  close(): void {
    this.#listener = undefined;
    this.#reporter.disconnected();
    this.#connection.close();
    this.#renewal.close();
    if (this.#cacheTimer !== undefined) this.#writeCache();
  }

  #readCache(): void {
    const { config, withoutCache } = this.#options;
    if (withoutCache === true) return;
    try {
      const { epoch, sequence, intent } = readCache(config.intent, config.node);
      const values = partOfIntent(intent);
      this.#received = PartVersion.of(values);
      for (const [key, value] of values) this.#digest.toggle(key, JSON.stringify(value));
      this.#epoch = epoch;
      this.#sequence = sequence;
      this.#give(undefined, 0);
    } catch {
      // Without a cache everything comes from the feed. Commands that read the cache report what is wrong with it.
    }
  }

  /** @returns why the feed must be left; undefined: it is followed further */
  #update(update: Update, feed: string): string | undefined {
    const { epoch, sequence, snapshot, more, changes } = update;
    if (epoch === this.#epoch && sequence < this.#sequence) {
      return `the feed is at sequence ${sequence}, the node at ${this.#sequence}: an outdated feed, or a restored backup (segue intent renew)`;
    }
    if (epoch !== this.#epoch && !snapshot)
      return 'the feed began another epoch without sending all of the node’s part';
    this.#parts.push(...changes);
    this.#isSnapshot = snapshot;
    if (more) return undefined;
    const parts = this.#parts;
    this.#parts = [];
    const problem = parts.length > 0 || snapshot ? this.#take(parts, update) : undefined;
    if (problem !== undefined) return problem;
    if (this.#digest.hex !== update.digest)
      return this.#forget('the node’s part of the intent differs from the feed’s');
    this.#epoch = epoch;
    this.#sequence = sequence;
    this.#heard();
    this.#reporter.connected();
    const { behind_ms: behindMs, held } = update;
    this.#setStatus({
      ...{ feed, epoch, sequence },
      ...(behindMs > 0 && { behindMs }),
      ...(held !== '' && { held }),
      ...(this.#refused !== undefined && { refused: this.#refused }),
    });
    return undefined;
  }

  /** Applies a complete message. @returns why the feed must be left */
  #take(parts: Update['changes'], update: Update): string | undefined {
    const { epoch, sequence, digest } = update;
    const before = this.#sequence;
    const { parse = (text: string) => JSON.parse(text) as EntityValue } = this.#options;
    const after = new Map<string, EntityValue>();
    const gone: string[] = [];
    for (const { key, value } of parts) {
      if (value.length === 0) gone.push(key);
      else after.set(key, parse(value.toString()));
    }
    const held = this.#received.values;
    if (this.#isSnapshot) for (const key of held.keys()) if (!after.has(key)) gone.push(key);
    const changes: StoredChange[] = [];
    const next = new SetDigest(this.#digest.hex);
    for (const key of [...gone, ...after.keys()]) {
      const old = held.get(key);
      const value = after.get(key);
      const [from, to] = [old, value].map((one) => (one === undefined ? undefined : JSON.stringify(one)));
      if (from === to) continue;
      if (from !== undefined) next.toggle(key, from);
      if (to !== undefined) next.toggle(key, to);
      changes.push({ key, ...(old !== undefined && { before: old }), ...(value !== undefined && { after: value }) });
    }
    if (next.hex !== digest)
      return this.#forget('after a message the node’s part of the intent differs from the feed’s');
    this.#received = this.#received.next(changes);
    this.#digest = next;
    this.#epoch = epoch;
    this.#sequence = sequence;
    const fed = update.fed_ms > 0 ? { writtenMs: update.written_ms, fedMs: update.fed_ms } : undefined;
    if (changes.length === 0 && this.#given !== undefined) return undefined;
    if (this.#isSnapshot) this.#give(undefined, before);
    else this.#give(changes, before, fed);
    return undefined;
  }

  /** Discards the received part, so that it is requested as a whole; the listener's intent remains. */
  #forget(why: string): string {
    this.#received = PartVersion.of();
    this.#digest = new SetDigest();
    this.#epoch = '';
    return why;
  }

  /**
   * Gives the received part to the agent, if it passes the checks.
   *
   * @param changes those that led to it; undefined: compare whole intents
   * @param sequence the one before this part
   */
  #give(changes: readonly StoredChange[] | undefined, sequence: number, fed?: FedStamps): void {
    const { intent } = this.#received;
    const before = this.#given;
    const isDirect = changes !== undefined && this.#refused === undefined;
    try {
      this.#checks.check(this.#received, isDirect ? changes.map(({ key }) => key) : undefined);
    } catch (error) {
      this.#refused = (error as Error).message.split('\n')[0] ?? '';
      this.#error(error as Error);
      this.#heard();
      this.#reporter.soon();
      return;
    }
    if (this.#refused !== undefined) this.#reporter.soon();
    this.#refused = undefined;
    this.#given = intent;
    this.#givenSequence = this.#sequence;
    if (before === undefined) {
      this.#listener?.({ type: 'snapshot', intent, progress: this.#progress.begin(sequence) });
    } else {
      const exact = isDirect ? intentChangesOf(changes) : diffIntent(before, intent);
      // A removal by itself is intended; an entity that is missing in a whole part may be missing by accident.
      if (exact.length > 0) {
        const progress = this.#progress.begin(sequence, fed);
        this.#listener?.({ type: 'change', changes: exact, intent, ...(isDirect && { named: true }), progress });
      }
    }
    this.#cacheSoon();
  }

  #error(error: Error): void {
    this.#listener?.({ type: 'error', error });
  }

  #lost(feed: string, why: string): void {
    this.#parts = [];
    this.#reporter.disconnected();
    const { lostSinceMs = Date.now() } = this.#status;
    this.#setStatus({
      ...{ epoch: this.#epoch, sequence: this.#sequence, lostSinceMs, error: `${feed}: ${why}` },
      ...(this.#refused !== undefined && { refused: this.#refused }),
    });
  }

  #setStatus(rest: FeedStatus): void {
    const status = { ...rest };
    delete status.notRenewed;
    if (this.#notRenewed !== undefined) status.notRenewed = this.#notRenewed;
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    writeFeedStatus(this.#options.runDirectory, status);
  }

  #cacheSoon(): void {
    if (this.#options.withoutCache === true) return;
    this.#cacheTimer ??= setTimeout(() => {
      this.#writeCache();
    }, this.#cacheDelayMs);
  }

  #writeCache(): void {
    clearTimeout(this.#cacheTimer);
    this.#cacheTimer = undefined;
    if (this.#given === undefined) return;
    const { config } = this.#options;
    const started = performance.now();
    try {
      writeCache(config.intent, config.node, { epoch: this.#epoch, sequence: this.#sequence, intent: this.#given });
    } catch (error) {
      this.#error(new Error(`the cache cannot be written: ${(error as Error).message}`));
    }
    this.#cacheDelayMs = Math.max(CACHE_DELAY_MS, (performance.now() - started) * CACHE_SHARE);
  }
}
