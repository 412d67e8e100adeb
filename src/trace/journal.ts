import type { Ending, Trace, TraceReason, TraceStep, TraceVerdict } from './types.js';

/** Thrown to end a trace where the packet ends. */
export class TraceEnd extends Error implements Ending {
  readonly verdict: TraceVerdict;
  readonly reason?: TraceReason;
  readonly text: string;

  constructor({ verdict, reason, text }: Ending) {
    super(text);
    this.name = 'TraceEnd';
    this.verdict = verdict;
    if (reason !== undefined) this.reason = reason;
    this.text = text;
  }
}

/** The steps of one trace in the order of the packet's way. */
export class Journal {
  readonly steps: TraceStep[] = [];
  /** Where the packet is. */
  node: string;
  /** Whose doing the last step is. */
  path: Trace['path'] = 'kernel';

  constructor(node: string) {
    this.node = node;
  }

  pass(step: string, text: string, detail: Record<string, unknown> = {}): void {
    this.steps.push({ node: this.node, step, verdict: 'pass', text, detail });
  }

  warn(step: string, text: string, detail: Record<string, unknown> = {}): void {
    this.steps.push({ node: this.node, step, verdict: 'warn', text, detail });
  }

  /**
   * @param text what was found
   * @param why what it means, for the verdict
   * @throws TraceEnd always
   */
  drop(step: string, reason: TraceReason, text: string, why: string, detail: Record<string, unknown> = {}): never {
    this.steps.push({ node: this.node, step, verdict: 'drop', text, detail });
    throw new TraceEnd({ verdict: 'dropped', reason, text: `${why} (${step} on ${this.node})` });
  }

  /** @throws TraceEnd always */
  end(verdict: 'delivered' | 'sent', text: string): never {
    throw new TraceEnd({ verdict, text });
  }
}
