import { performance } from 'node:perf_hooks';

/** Progress of the current work, in steps with a number of objects each. */
export class Progress {
  #what = '';
  #sinceMs: number | undefined;
  /** Number of objects of the step. */
  #of = 0;
  done = 0;

  /** Starts a step. @param what such as `writing route` */
  begin(what: string, of: number): void {
    this.#sinceMs ??= performance.now();
    this.#what = what;
    this.#of = of;
    this.done = 0;
  }

  /** Ends the work. */
  end(): void {
    this.#sinceMs = undefined;
  }

  /** Milliseconds since the work began; 0: there is none. */
  get ms(): number {
    return this.#sinceMs === undefined ? 0 : performance.now() - this.#sinceMs;
  }

  /** Such as `writing route: 4096 of 200000`; empty if there is no work. */
  get text(): string {
    if (this.#sinceMs === undefined) return '';
    return this.#of === 0 ? this.#what : `${this.#what}: ${Math.min(this.done, this.#of)} of ${this.#of}`;
  }
}
