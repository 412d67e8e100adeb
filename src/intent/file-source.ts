/** An intent file as a source: watched, read again when it changes, refused without harm when it is wrong. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { resolve } from 'node:path';
import { WATCH_DEBOUNCE_MS, WATCH_MAX_DELAY_MS, WATCH_RESTAT_INTERVAL_MS } from './bounds.js';
import { runYielding } from '../reconcile/steps.js';
import { diffSteps } from './change.js';
import type { IntentModel } from './model.js';
import { IntentError } from './errors.js';
import { type LoadedIntent, loadIntentText } from './load.js';
import { fileSignature, isJustChanged } from './signature.js';
import type { IntentEvent, IntentListener, IntentSource } from './source.js';
import type { Intent } from './types.js';
import { watchedDirectories } from './watch-paths.js';

export interface FileSourceOptions {
  model: IntentModel;
  /** Default WATCH_DEBOUNCE_MS. */
  debounceMs?: number;
  /** Default WATCH_RESTAT_INTERVAL_MS. */
  restatIntervalMs?: number;
  /** Reads and checks the file, or a part of it that is kept, unless its bytes are those of the digest; default: all of it. */
  read?: (unlessDigest: string | undefined) => LoadedIntent | Promise<LoadedIntent>;
  /** Ends a reading that is under way. */
  close?: () => void;
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

export class FileSource implements IntentSource {
  readonly file: string;
  readonly #model: IntentModel;
  readonly #debounceMs: number;
  readonly #restatIntervalMs: number;
  readonly #readFile: NonNullable<FileSourceOptions['read']>;
  readonly #closeReader: () => void;
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
  #isReading = false;
  /** Somebody asked for another reading during one. */
  #isAskedAgain = false;

  constructor(file: string, options: FileSourceOptions) {
    this.file = resolve(file);
    this.#model = options.model;
    this.#debounceMs = options.debounceMs ?? WATCH_DEBOUNCE_MS;
    this.#restatIntervalMs = options.restatIntervalMs ?? WATCH_RESTAT_INTERVAL_MS;
    this.#closeReader = options.close ?? (() => undefined);
    this.#readFile = options.read ?? ((unlessDigest) => loadIntentText(this.file, unlessDigest, this.#model));
  }

  /** The intent last given. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  async start(listener: IntentListener): Promise<void> {
    this.#listener = listener;
    // Watching first: what changes while the file is read is then heard of.
    this.#watch();
    this.#restat = setInterval(() => {
      this.#watch();
      this.#look();
    }, this.#restatIntervalMs);
    await this.#load();
  }

  close(): void {
    this.#listener = undefined;
    clearTimeout(this.#debounce);
    clearInterval(this.#restat);
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#closeReader();
  }

  /** Reads the file now, changed or not (as on SIGHUP). */
  reload(): void {
    if (this.#isReading) this.#signature = '';
    if (this.#listener) void this.#load();
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
    if (this.#listener && fileSignature(this.file) !== this.#signature) void this.#load();
  }

  /** One reading after the other: what is asked for during one follows it. */
  async #load(): Promise<void> {
    if (this.#isReading) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isReading = true;
    try {
      await this.#readOnce();
    } finally {
      this.#isReading = false;
    }
    if (!this.#isAskedAgain) return;
    this.#isAskedAgain = false;
    this.#look();
  }

  async #readOnce(): Promise<void> {
    const signature = fileSignature(this.file);
    const outcome = await this.#read();
    if (!this.#listener) return;
    if (fileSignature(this.file) !== signature && this.#intent) {
      // Changed while it was read: what was read may be half of each.
      this.#schedule();
      return;
    }
    this.#signature = signature;
    if (isJustChanged(this.file)) {
      // Another write within the timestamp's granularity would leave no trace in the signature.
      this.#signature = '';
      this.#schedule();
    }
    // It says nothing of the file that the machine could not read it: the next look reads it again.
    if (outcome instanceof Error && !(outcome instanceof IntentError)) this.#signature = '';
    if (outcome instanceof Error) this.#refused(outcome);
    else await this.#accepted(outcome);
  }

  async #read(): Promise<LoadedIntent | Error> {
    try {
      return await this.#readFile(this.#lastError === undefined ? this.#digest : undefined);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #refused(error: Error): void {
    this.#digest = '';
    if (error.message === this.#lastError) return;
    this.#lastError = error.message;
    this.#emit({ type: 'error', error });
  }

  async #accepted({ digest, intent }: LoadedIntent): Promise<void> {
    const recovered = this.#lastError !== undefined;
    this.#lastError = undefined;
    this.#digest = digest;
    const before = this.#intent;
    if (!intent) return;
    this.#intent = intent;
    if (!before) return this.#emit({ type: 'snapshot', intent });
    const changes = await runYielding(diffSteps(before, intent, this.#model));
    if (changes.length > 0 || recovered) this.#emit({ type: 'change', changes, intent });
  }
}
