/** An intent file as a source: watched, read again when it changes, refused without harm when it is wrong. */
import { type BigIntStats, type FSWatcher, statSync, watch } from 'node:fs';
import { resolve } from 'node:path';
import { WATCH_DEBOUNCE_MS, WATCH_MAX_DELAY_MS, WATCH_RACY_MS, WATCH_RESTAT_INTERVAL_MS } from './bounds.js';
import { diffIntent } from './change.js';
import { IntentError } from './errors.js';
import { type LoadedIntent, loadIntentText } from './load.js';
import type { IntentEvent, IntentListener, IntentSource } from './source.js';
import type { Intent } from './types.js';
import { watchedDirectories } from './watch-paths.js';

export interface FileSourceOptions {
  /** Default WATCH_DEBOUNCE_MS. */
  debounceMs?: number;
  /** Default WATCH_RESTAT_INTERVAL_MS. */
  restatIntervalMs?: number;
  /**
   * What of a checked intent is kept and told (a node's part of it: scopeTo); all of it by default. May throw an
   * IntentError to refuse it.
   */
  select?: (intent: Intent) => Intent;
}

/** What tells one state of the file from another without reading it. */
function signatureOf(file: string): string {
  let stat: BigIntStats;
  try {
    stat = statSync(file, { bigint: true });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error';
  }
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join();
}

/** What tells a directory from another of the same name. */
function identityOf(directory: string): string {
  try {
    const { dev, ino } = statSync(directory);
    return `${dev} ${ino}`;
  } catch {
    return '';
  }
}

function modifiedMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

export class FileSource implements IntentSource {
  readonly file: string;
  readonly #debounceMs: number;
  readonly #restatIntervalMs: number;
  readonly #select: (intent: Intent) => Intent;
  #listener: IntentListener | undefined;
  /** By directory. */
  readonly #watchers = new Map<string, { watcher: FSWatcher; identity: string }>();
  #debounce: NodeJS.Timeout | undefined;
  /** When the first event came that no reading has followed yet. */
  #scheduledMs: number | undefined;
  #restat: NodeJS.Timeout | undefined;
  /** As of the last look. */
  #signature = '';
  /** Digest of the bytes last read. */
  #digest = '';
  /** Message of the error last given, until the file is good again. */
  #lastError: string | undefined;
  #intent: Intent | undefined;

  constructor(file: string, options: FileSourceOptions = {}) {
    this.file = resolve(file);
    this.#debounceMs = options.debounceMs ?? WATCH_DEBOUNCE_MS;
    this.#restatIntervalMs = options.restatIntervalMs ?? WATCH_RESTAT_INTERVAL_MS;
    this.#select = options.select ?? ((intent) => intent);
  }

  /** The intent last given. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  start(listener: IntentListener): Promise<void> {
    return new Promise((started) => {
      this.#listener = listener;
      // Watching first: what changes while the file is read is then heard of.
      this.#watch();
      this.#load();
      this.#restat = setInterval(() => {
        this.#watch();
        this.#look();
      }, this.#restatIntervalMs);
      started();
    });
  }

  close(): void {
    this.#listener = undefined;
    clearTimeout(this.#debounce);
    clearInterval(this.#restat);
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Reads the file now, changed or not (as on SIGHUP). */
  reload(): void {
    if (this.#listener) this.#load();
  }

  #emit(event: IntentEvent): void {
    this.#listener?.(event);
  }

  /** Brings the watchers in line with where the path leads now. */
  #watch(): void {
    const wanted = new Map<string, string>();
    for (const directory of watchedDirectories(this.file)) wanted.set(directory, identityOf(directory));
    for (const [directory, { watcher, identity }] of this.#watchers) {
      // A watch stays with the directory it was made for, also when another takes the name.
      if (wanted.get(directory) === identity) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const [directory, identity] of wanted) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, () => this.#schedule());
        this.#watchers.set(directory, { watcher, identity });
        watcher.on('error', () => {
          watcher.close();
          if (this.#watchers.get(directory)?.watcher === watcher) this.#watchers.delete(directory);
        });
      } catch {
        // The directory is gone again, or the kernel has no watches left: the interval takes over.
      }
    }
  }

  #schedule(): void {
    if (!this.#listener) return;
    const now = Date.now();
    this.#scheduledMs ??= now;
    // Every event puts it off: a file being written is read when the writer pauses.
    const delayMs = Math.min(this.#debounceMs, Math.max(0, this.#scheduledMs + WATCH_MAX_DELAY_MS - now));
    clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => {
      this.#scheduledMs = undefined;
      this.#watch();
      this.#look();
    }, delayMs);
  }

  /** Reads the file if it looks different. */
  #look(): void {
    if (this.#listener && signatureOf(this.file) !== this.#signature) this.#load();
  }

  #load(): void {
    const signature = signatureOf(this.file);
    let outcome: LoadedIntent | IntentError;
    try {
      outcome = loadIntentText(this.file, this.#lastError === undefined ? this.#digest : undefined);
      if (outcome.intent) outcome = { ...outcome, intent: this.#select(outcome.intent) };
    } catch (error) {
      if (!(error instanceof IntentError)) throw error;
      outcome = error;
    }
    if (signatureOf(this.file) !== signature && this.#intent) {
      // Changed while it was read: what was read may be half of each.
      this.#schedule();
      return;
    }
    this.#signature = signature;
    const ageMs = Date.now() - modifiedMs(this.file);
    if (Math.abs(ageMs) < WATCH_RACY_MS) {
      // Another write within the timestamp's granularity would leave no trace in the signature.
      this.#signature = '';
      this.#schedule();
    }
    if (outcome instanceof IntentError) this.#refused(outcome);
    else this.#accepted(outcome);
  }

  #refused(error: IntentError): void {
    this.#digest = '';
    if (error.message === this.#lastError) return;
    this.#lastError = error.message;
    this.#emit({ type: 'error', error });
  }

  #accepted({ digest, intent }: LoadedIntent): void {
    const recovered = this.#lastError !== undefined;
    this.#lastError = undefined;
    this.#digest = digest;
    const before = this.#intent;
    if (!intent) return;
    this.#intent = intent;
    if (!before) return this.#emit({ type: 'snapshot', intent });
    const changes = diffIntent(before, intent);
    if (changes.length > 0 || recovered) this.#emit({ type: 'change', changes, intent });
  }
}
