import { setTimeout as sleep } from 'node:timers/promises';
import { CheckedIntent } from '../check/checked-intent.js';
import { readEntity } from '../check/read-entity.js';
import { SetDigest } from '../digest.js';
import { kindOfKey } from '../keys.js';
import { diffIntent } from '../../app/intent.js';
import { IntentError } from '../../intent/errors.js';
import { Findings } from '../../intent/findings.js';
import { checkNodeInIntent } from '../../intent/load.js';
import { readVersion } from '../../agent/version.js';
import { readCache, writeCache } from './cache.js';
import { certificateEndsMs, NO_FACTS } from './agent-facts.js';
import { FeedConnection } from './connection.js';
import { Renewal } from './renewal.js';
import { intentChangesOf, intentOfPart, partOfIntent, Stand } from './part.js';
import { ProgressTracker } from './progress.js';
import { Reporter } from './reporter.js';
import { writeFeedStatus } from './status.js';
import { FEED_PROTOCOL } from '../rpc.js';
import { clip } from '../status/node-status.js';
import type { Intent, NodeConfig, Port } from '../../intent/types.js';
import type { IntentListener, IntentSource } from '../../intent/source.js';
import type { Update } from '../rpc.js';
import type { EntityValue, StoredChange } from '../types.js';
import type { AgentFacts } from './agent-facts.js';
import type { FedStamps } from './progress.js';
import type { FeedStatus } from './status.js';
import type { NodeStatus } from '../status/node-status.js';

/** How long the first message is waited for where there is no cache, milliseconds; it comes whenever it comes. */
const FIRST_MS = 5000;
/** The cache is written this long after a change, and of a large part at most so often that it costs a twentieth of the time, milliseconds. */
const CACHE_DELAY_MS = 200;
const CACHE_SHARE = 20;

export interface FeedSourceOptions {
  config: NodeConfig;
  /** The node file, for messages. */
  configFile: string;
  runDirectory: string;
  /** What the agent says of itself in the node's status; default: nothing. */
  facts?: () => AgentFacts;
  /** Of a value of a message, JSON; default: JSON.parse. Many sources of one process may share what they have alike. */
  parse?: (text: string) => EntityValue;
  /** Nothing is read from disk or written. */
  withoutCache?: boolean;
}

/**
 * A node's part of the intent, as a feed tells it. Each message is taken whole or not at all; what cannot be taken is said, and what the node had
 * stays. Without a feed the node goes on with what it has, after a restart with what is on disk.
 */
export class FeedSource implements IntentSource {
  readonly #options: FeedSourceOptions;
  readonly #connection: FeedConnection;
  readonly #renewal: Renewal;
  /** Why there is no next certificate yet. */
  #notRenewed: string | undefined;
  #listener: IntentListener | undefined;
  /** As the feed last told it. */
  #received = new Map<string, EntityValue>();
  #digest = new SetDigest();
  #epoch = '';
  #sequence = 0;
  /** The part of a message that has come so far. */
  #parts: Update['changes'] = [];
  #isSnapshot = false;
  /** As last given to the listener. */
  #given: Intent | undefined;
  #givenSequence = 0;
  #checked = new CheckedIntent();
  #stand = new Stand();
  /** What the node has was refused: the next message is compared with what was given. */
  #refused: string | undefined;
  #status: FeedStatus = { epoch: '', sequence: 0 };
  #cacheTimer: NodeJS.Timeout | undefined;
  #cacheDelayMs = CACHE_DELAY_MS;
  #heard: () => void = () => undefined;
  readonly #progress = new ProgressTracker();
  readonly #reporter: Reporter;

  constructor(options: FeedSourceOptions) {
    this.#options = options;
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

  /** What the node says of itself. */
  get nodeStatus(): NodeStatus {
    const { config, facts = () => NO_FACTS } = this.#options;
    const { behindMs } = this.#status;
    const ports = this.#given?.ports.filter(({ node }) => node === config.node).length ?? 0;
    return {
      ...facts(),
      ...{ version: readVersion(), protocol: FEED_PROTOCOL, schema: this.#given?.version ?? 0 },
      ...{ dataplane: config.dataplane, epoch: this.#epoch, sequence: this.#sequence },
      ...{ applied: this.#progress.applied(this.#refused === undefined ? this.#sequence : this.#givenSequence) },
      ...{ digest: this.#digest.hex, ports },
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
          `no feed answers, and there is no cache: ${this.#status.error ?? 'the first message has not come yet'}`,
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
      this.#received = partOfIntent(intent);
      for (const [key, value] of this.#received) this.#digest.toggle(key, JSON.stringify(value));
      this.#epoch = epoch;
      this.#sequence = sequence;
      this.#give(undefined, 0);
    } catch {
      // Without a cache all comes from the feed; a command that reads it says what is wrong.
    }
  }

  /** @returns why the feed is left */
  #update(update: Update, feed: string): string | undefined {
    const { epoch, sequence, snapshot, more, changes } = update;
    if (epoch === this.#epoch && sequence < this.#sequence) {
      return `it is at sequence ${sequence}, the node at ${this.#sequence}: an old feed, or a restored backup (segue intent renew)`;
    }
    if (epoch !== this.#epoch && !snapshot) return 'another epoch without all of the node’s part';
    this.#parts.push(...changes);
    this.#isSnapshot = snapshot;
    if (more) return undefined;
    const parts = this.#parts;
    this.#parts = [];
    const problem = parts.length > 0 || snapshot ? this.#take(parts, update) : undefined;
    if (problem !== undefined) return problem;
    if (this.#digest.hex !== update.digest)
      return this.#forget('the node has another part of the intent than the feed says');
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

  /** A whole message. */
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
    if (this.#isSnapshot) for (const key of this.#received.keys()) if (!after.has(key)) gone.push(key);
    const changes: StoredChange[] = [];
    const next = new SetDigest(this.#digest.hex);
    for (const key of [...gone, ...after.keys()]) {
      const old = this.#received.get(key);
      const value = after.get(key);
      const [from, to] = [old, value].map((one) => (one === undefined ? undefined : JSON.stringify(one)));
      if (from === to) continue;
      if (from !== undefined) next.toggle(key, from);
      if (to !== undefined) next.toggle(key, to);
      changes.push({ key, ...(old !== undefined && { before: old }), ...(value !== undefined && { after: value }) });
    }
    if (next.hex !== digest) return this.#forget('a message did not lead to what the feed says');
    for (const { key, after: value } of changes) {
      if (value === undefined) this.#received.delete(key);
      else this.#received.set(key, value);
    }
    this.#digest = next;
    this.#epoch = epoch;
    this.#sequence = sequence;
    const fed = update.fed_ms > 0 ? { writtenMs: update.written_ms, fedMs: update.fed_ms } : undefined;
    if (changes.length === 0 && this.#given !== undefined) return undefined;
    if (this.#isSnapshot) this.#give(undefined, before);
    else this.#give(changes, before, fed);
    return undefined;
  }

  /** All of the node's part is asked for anew; what was given stays. */
  #forget(why: string): string {
    this.#received = new Map();
    this.#digest = new SetDigest();
    this.#epoch = '';
    return why;
  }

  /**
   * Gives what was received to the agent, if it passes.
   *
   * @param changes that lead to it; undefined: compare wholes
   * @param sequence of what was received before
   */
  #give(changes: readonly StoredChange[] | undefined, sequence: number, fed?: FedStamps): void {
    const { config, configFile } = this.#options;
    const intent = intentOfPart(this.#received);
    const before = this.#given;
    const isDirect = changes !== undefined && this.#refused === undefined;
    try {
      this.#check(isDirect ? changes.map(({ key }) => key) : undefined);
      checkNodeInIntent(config, intent, configFile);
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
      // What somebody took away by itself is meant; what is missing in a whole may be missing by accident.
      if (exact.length > 0) {
        const progress = this.#progress.begin(sequence, fed);
        this.#listener?.({ type: 'change', changes: exact, intent, ...(isDirect && { named: true }), progress });
      }
    }
    this.#cacheSoon();
  }

  /**
   * The checks of files, of what is new.
   *
   * @param keys what may be new; undefined: all is compared
   * @throws IntentError; what was checked before stays
   */
  #check(keys: Iterable<string> = new Set([...this.#checked.entities.keys(), ...this.#received.keys()])): void {
    const held = this.#checked.entities;
    const wishes: { key: string; after?: EntityValue }[] = [];
    const findings = new Findings();
    for (const key of keys) {
      const kind = kindOfKey(key);
      const value = this.#received.get(key);
      if (kind === undefined || (value !== undefined && isSame(held.get(key), value))) continue;
      if (value === undefined) {
        if (held.has(key)) wishes.push({ key });
        continue;
      }
      // A structure that this version does not know is refused before anything is made of it.
      const entity = readEntity(kind, value, findings);
      if (entity?.key === key) wishes.push({ key, after: this.#stand.value(entity.after) });
      else if (findings.list.length === 0) findings.add([key], value, 'the entity of its key');
    }
    if (findings.list.length > 0) {
      const issues = findings.list.map(({ path, value, found, expected }) => ({
        path: path.join('.'),
        value,
        found,
        expected,
      }));
      throw new IntentError('intent', issues);
    }
    try {
      this.#checked.apply(wishes);
    } catch (error) {
      // Unless it is one of the MAC addresses that stand for what the node is not told.
      if (!this.#checkAnew()) throw error;
    }
  }

  #checkAnew(): boolean {
    const stand = new Stand(this.#received);
    const checked = new CheckedIntent();
    const all = [...this.#received].filter(([key]) => kindOfKey(key) !== undefined);
    try {
      checked.apply(all.map(([key, value]) => ({ key, after: stand.value(value) })));
    } catch {
      return false;
    }
    this.#checked = checked;
    this.#stand = stand;
    return true;
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

/** A checked port on another node has an interface and a MAC address, which stand for what the node is not told. */
function isSame(checked: EntityValue | undefined, value: EntityValue): boolean {
  if (checked === undefined) return false;
  const port = value as { interface?: unknown; mac?: unknown };
  const isRemote = typeof value === 'object' && port.interface === '' && port.mac === '';
  const shown = isRemote ? { ...(checked as Port), interface: '', mac: '' } : checked;
  return JSON.stringify(shown) === JSON.stringify(value);
}
