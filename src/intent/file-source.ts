/** An intent file as a source: watched, read again when it changes, refused without harm when it is wrong. */
import { type BigIntStats, type FSWatcher, statSync, watch } from 'node:fs';
import { resolve } from 'node:path';
import { WATCH_DEBOUNCE_MS, WATCH_RACY_MS, WATCH_RESTAT_INTERVAL_MS } from './bounds.js';
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

export class FileSource implements IntentSource {
  readonly file: string;
  readonly #debounceMs: number;
  readonly #restatIntervalMs: number;
  #listener: IntentListener | undefined;
  #watchers = new Map<string, FSWatcher>();
  #debounce: NodeJS.Timeout | undefined;
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
  }

  /** The intent last given. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  start(listener: IntentListener): Promise<void> {
    this.#listener = listener;
    // Watching first: what changes while the file is read is then heard of.
    this.#watch();
    this.#load();
    this.#restat = setInterval(() => {
      this.#watch();
      this.#look();
    }, this.#restatIntervalMs);
    return Promise.resolve();
  }

  close(): void {
    this.#listener = undefined;
    clearTimeout(this.#debounce);
    clearInterval(this.#restat);
    for (const watcher of this.#watchers.values()) watcher.close();
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
    const wanted = watchedDirectories(this.file);
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const directory of wanted) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, () => this.#schedule());
        // The directory itself is gone, or the kernel has no watches left: the interval takes over.
        const drop = (): void => {
          watcher.close();
          if (this.#watchers.get(directory) === watcher) this.#watchers.delete(directory);
        };
        watcher.on('error', drop);
        this.#watchers.set(directory, watcher);
      } catch {
        // Likewise.
      }
    }
  }

  #schedule(): void {
    if (!this.#listener) return;
    // Every event puts it off: a file being written is read when the writer pauses.
    clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => {
      this.#watch();
      this.#look();
    }, this.#debounceMs);
  }

  /** Reads the file if it looks different. */
  #look(): void {
    if (this.#listener && signatureOf(this.file) !== this.#signature) this.#load();
  }

  #load(): void {
    const signature = signatureOf(this.file);
    this.#signature = signature;
    let loaded: LoadedIntent | undefined;
    try {
      loaded = loadIntentText(this.file, this.#lastError === undefined ? this.#digest : undefined);
    } catch (error) {
      if (!(error instanceof IntentError)) throw error;
      this.#refused(error);
    }
    // A write within the timestamp's granularity leaves no trace in the signature: look at the bytes again.
    if (Date.now() - modifiedMs(this.file) < WATCH_RACY_MS || signatureOf(this.file) !== signature) {
      this.#signature = '';
      this.#schedule();
    }
    if (loaded) this.#accepted(loaded);
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

function modifiedMs(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
