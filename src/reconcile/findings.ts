/** Collects a check's findings. */
import type { FeatureFinding } from './observation.js';

export class FindingList {
  readonly found: FeatureFinding[] = [];

  ok(name: string, what: string): void {
    this.found.push({ name, status: 'ok', what });
  }

  /** @param advice why it matters and what to do */
  warn(name: string, what: string, advice: string): void {
    this.found.push({ name, status: 'warn', what, advice });
  }

  /** @param advice why it matters and what to do */
  fail(name: string, what: string, advice: string): void {
    this.found.push({ name, status: 'fail', what, advice });
  }
}

/** The first names of a list, and the number of the rest. */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
