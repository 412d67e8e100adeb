import { performance } from 'node:perf_hooks';

/** How far the work under way is, for who waits for it: one step after the other, each with its objects. */
export class Progress {
  #what = '';
  #sinceMs: number | undefined;
  /** Objects of the step. */
  #of = 0;
  done = 0;

  /** A step begins. @param what as in `writing route` */
  begin(what: string, of: number): void {
    this.#sinceMs ??= performance.now();
    this.#what = what;
    this.#of = of;
    this.done = 0;
  }

  /** The work is done. */
  end(): void {
    this.#sinceMs = undefined;
  }

  /** Milliseconds since the work began; 0: none is under way. */
  get ms(): number {
    return this.#sinceMs === undefined ? 0 : performance.now() - this.#sinceMs;
  }

  /** `writing route: 4096 of 200000`; empty while no work is under way. */
  get text(): string {
    if (this.#sinceMs === undefined) return '';
    return this.#of === 0 ? this.#what : `${this.#what}: ${Math.min(this.done, this.#of)} of ${this.#of}`;
  }
}
