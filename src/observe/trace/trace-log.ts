import type { Ending, NextLook, Trace, TraceReason, TraceStep, TraceVerdict } from './types.js';

/** Thrown to end a trace. */
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

/** The steps of a trace, in the packet's direction. */
export class TraceLog {
  readonly steps: TraceStep[] = [];
  /** The node at which the packet is. */
  node: string;
  /** The data plane of the last step. */
  path: Trace['path'] = 'kernel';

  /** Why the packet might not leave this node although nothing stops it. */
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
   * @param why its meaning, for the verdict
   * @throws TraceEnd always
   */
  drop(step: string, reason: TraceReason, text: string, why: string, detail: Record<string, unknown> = {}): never {
    this.steps.push({ node: this.node, step, verdict: 'drop', text, detail });
    throw new TraceEnd({ verdict: 'dropped', reason, text: `${why} (${step} on ${this.node})` });
  }

  /** Whether the packet is at the node that was asked, whose state was really checked. */
  get isHere(): boolean {
    return this.node === this.#own;
  }

  /**
   * Ends the trace at the packet's destination, on whichever node it is.
   *
   * @param to a port, or an external network
   * @param command to run on that node, if it is another one
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
