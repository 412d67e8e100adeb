import type { Answer } from './answer.js';

/** Lifetime of a cached answer, in milliseconds. */
const KEPT_MS = 1000;
/** Cached answers, each of a megabyte at most. */
const MAX_ANSWERS = 32;

/** Answers of the last second, by request. */
export class AnswerCache {
  readonly #answers = new Map<string, { answer: Answer; until: number }>();

  get(key: string): Answer | undefined {
    const found = this.#answers.get(key);
    if (found === undefined) return undefined;
    if (found.until > performance.now()) return found.answer;
    this.#answers.delete(key);
    return undefined;
  }

  put(key: string, answer: Answer, keptMs = KEPT_MS): void {
    const now = performance.now();
    for (const [other, { until }] of this.#answers) if (until <= now) this.#answers.delete(other);
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size >= MAX_ANSWERS) this.#answers.delete(oldest);
    this.#answers.set(key, { answer, until: now + keptMs });
  }
}
