/** An intent file as a source: it is watched, read again when it changes, and refused without effect if it is invalid. */
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
  /** Reads and checks the file, or a part that is kept, unless it has this digest; default: all of it. */
  read?: (unlessDigest: string | undefined) => LoadedIntent | Promise<LoadedIntent>;
  /** Aborts a reading in progress. */
  close?: () => void;
}

/** Identity of a directory, which differs for another of the same name. */
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
  /** Time of the first event that no reading has followed. */
  #scheduledMs: number | undefined;
  #restat: NodeJS.Timeout | undefined;
  /** Signature at the last check. */
  #signature = '';
  /** Digest of the file as last read. */
  #digest = '';
  /** Message of the last reported error, until the file is valid again. */
  #lastError: string | undefined;
  #intent: Intent | undefined;
  #isReading = false;
  /** Another reading was requested during the current one. */
  #isAskedAgain = false;

  constructor(file: string, options: FileSourceOptions) {
    this.file = resolve(file);
    this.#model = options.model;
    this.#debounceMs = options.debounceMs ?? WATCH_DEBOUNCE_MS;
    this.#restatIntervalMs = options.restatIntervalMs ?? WATCH_RESTAT_INTERVAL_MS;
    this.#closeReader = options.close ?? (() => undefined);
    this.#readFile = options.read ?? ((unlessDigest) => loadIntentText(this.file, unlessDigest, this.#model));
  }

  /** The intent last reported. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  async start(listener: IntentListener): Promise<void> {
    this.#listener = listener;
    // Watch before reading, so that changes during the reading are noticed.
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

  /** Reads the file now, changed or not (such as on SIGHUP). */
  reload(): void {
    if (this.#isReading) this.#signature = '';
    if (this.#listener) void this.#load();
  }

  #emit(event: IntentEvent): void {
    this.#listener?.(event);
  }

  /** Updates the watchers to the directories on the path's present way. */
  #watch(): void {
    const wanted = new Map<string, string>();
    for (const directory of watchedDirectories(this.file)) wanted.set(directory, identityOf(directory));
    for (const [directory, { watcher, identity }] of this.#watchers) {
      // A watch stays with its directory, even when another directory takes the name.
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
        // The directory is gone again, or no watches are left: the interval serves instead.
      }
    }
  }

  #schedule(): void {
    if (!this.#listener) return;
    const now = Date.now();
    this.#scheduledMs ??= now;
    // Each event delays the reading: a file is read when its writer pauses.
    const delayMs = Math.min(this.#debounceMs, Math.max(0, this.#scheduledMs + WATCH_MAX_DELAY_MS - now));
    clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => {
      this.#scheduledMs = undefined;
      this.#watch();
      this.#look();
    }, delayMs);
  }

  /** Reads the file if its signature changed. */
  #look(): void {
    if (this.#listener && fileSignature(this.file) !== this.#signature) void this.#load();
  }

  /** Readings do not overlap: one that is requested during another follows it. */
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
      // The file changed while it was read: the result may mix both versions.
      this.#schedule();
      return;
    }
    this.#signature = signature;
    if (isJustChanged(this.file)) {
      // Another write within the timestamp's granularity would not change the signature.
      this.#signature = '';
      this.#schedule();
    }
    // A failure of the machine says nothing about the file: the next check reads it again.
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
