import type { Ending, NextLook, Trace, TraceReason, TraceStep, TraceVerdict } from './types.js';

/** Thrown to end a trace where the packet ends. */
export class TraceEnd extends Error implements Ending {
  readonly verdict: TraceVerdict;
  readonly reason?: TraceReason;
  readonly text: string;
  readonly next?: NextLook;

  constructor({ verdict, reason, text, next }: Ending) {
    super(text);
    this.name = 'TraceEnd';
    this.verdict = verdict;
    if (reason !== undefined) this.reason = reason;
    this.text = text;
    if (next !== undefined) this.next = next;
  }
}

/** The steps of one trace in the order of the packet's way. */
export class TraceLog {
  readonly steps: TraceStep[] = [];
  /** Where the packet is. */
  node: string;
  /** Whose doing the last step is. */
  path: Trace['path'] = 'kernel';

  /** What makes it doubtful that the packet gets off this node, though nothing stops it. */
  doubt: string | undefined;
  readonly #own: string;

  constructor(node: string) {
    this.node = node;
    this.#own = node;
  }

  pass(step: string, text: string, detail: Record<string, unknown> = {}): void {
    this.steps.push({ node: this.node, step, verdict: this.isHere ? 'pass' : 'planned', text, detail });
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

  /** The packet is at the node that is asked: what is found there was looked at. */
  get isHere(): boolean {
    return this.node === this.#own;
  }

  /**
   * The packet is where it is to go, at whatever node it is now.
   *
   * @param to a port, or an external network
   * @param command to be run on that node, when it is another one
   * @throws TraceEnd always
   */
  arrive(to: string, command: string): never {
    if (this.isHere) this.end('delivered', `to ${to} on this node`);
    const doubt = this.doubt === undefined ? '' : `; ${this.doubt}`;
    throw new TraceEnd({
      verdict: 'sent',
      text: `${this.node} should deliver it to ${to} (by the intent)${doubt}; on ${this.node}: ${command}`,
      next: { node: this.node, command },
    });
  }

  /** @throws TraceEnd always */
  end(verdict: 'delivered' | 'sent', text: string): never {
    throw new TraceEnd({ verdict, text });
  }
}
