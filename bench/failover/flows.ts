/** Flows with sequence numbers (native/seqflow.c), and what became of them. */
import { Background } from '../../lab/process.js';

export interface FlowsOptions {
  /** Path of the compiled program. */
  program: string;
  address: string;
  flows: number;
  packetsPerSecond: number;
  /** how long they are sent */
  seconds: number;
  /** they are sent longer if what is done meanwhile lasts longer, however slow the machine is */
  untilDone?: boolean;
}

export interface Arrived {
  packets: number;
  reordered: number;
  /** Longest time in which nothing came of a flow that came again, milliseconds. */
  silenceMs: number;
  /** Of the first and the last packet, milliseconds (CLOCK_MONOTONIC). */
  firstMs: number;
  lastMs: number;
}

export interface Outcome {
  sent: number;
  /** By its own kernel's refusal, not by the network. */
  refused: number;
  /** Packets that came nowhere. */
  lost: number;
  reordered: number;
  /** Flows of which anything was lost, by the highest number that came. */
  flowsHit: number;
  /** Flows of which nothing came at all. */
  flowsAbsent: number;
  /** Longest time in which nothing came of a flow, milliseconds; over all receivers. */
  silenceMs: number;
}

const START_TIMEOUT_MS = 120_000;
/** Until it is stopped. */
const ENDLESS_SECONDS = 1_000_000;
/** How long what is under way may take to arrive, milliseconds. */
const SETTLE_MS = 300;

type Row = [
  flow: number,
  received: number,
  lowest: number,
  highest: number,
  reordered: number,
  silenceMs: number,
  firstMs: number,
  lastMs: number,
];

/** Listens in namespaces at once: a flow may move from one to another. */
class Receivers {
  readonly #programs: Background[];

  private constructor(programs: Background[]) {
    this.#programs = programs;
  }

  static async start(program: string, netns: readonly string[]): Promise<Receivers> {
    const programs = netns.map((name) => new Background(name, [program, 'receive']));
    await Promise.all(programs.map((one) => one.waitFor(/receiving/, START_TIMEOUT_MS)));
    return new Receivers(programs);
  }

  /** @returns by flow, what came anywhere */
  async stop(): Promise<Map<number, Arrived[]>> {
    const flows = new Map<number, Arrived[]>();
    for (const program of this.#programs) {
      await program.stop();
      const json = program.output.slice(program.output.indexOf('{'));
      const { flows: rows } = JSON.parse(json) as { flows: Row[] };
      for (const [flow, packets, , , reordered, silenceMs, firstMs, lastMs] of rows) {
        flows.set(flow, [...(flows.get(flow) ?? []), { packets, reordered, silenceMs, firstMs, lastMs }]);
      }
    }
    return flows;
  }
}

/**
 * Sends flows from a namespace, and does something in the midst of it.
 *
 * @param meanwhile is called once the flows run evenly
 * @returns with how long sending took: longer than asked for on a machine that cannot send so fast
 */
export async function sendThrough(
  from: string,
  to: readonly string[],
  { program, address, flows, packetsPerSecond, seconds, untilDone = false }: FlowsOptions,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<Outcome & { seconds: number }> {
  const receivers = await Receivers.start(program, to);
  const args = ['-a', address, '-n', String(flows), '-r', String(packetsPerSecond)];
  const sender = new Background(from, [program, 'send', ...args, '-t', String(untilDone ? ENDLESS_SECONDS : seconds)]);
  try {
    const least = sleep(seconds * 1000);
    await sleep((seconds * 1000) / 4);
    await meanwhile();
    if (untilDone) {
      await least;
      await sender.stop();
    } else {
      await sender.wait();
    }
    await sleep(SETTLE_MS);
  } catch (error) {
    await sender.stop('SIGKILL');
    await receivers.stop();
    throw error;
  }
  const { output } = sender;
  if (!output.startsWith('{')) throw new Error(`seqflow: ${output.trim()}`);
  const { sent, refused, seconds: took } = JSON.parse(output) as { sent: number; refused: number; seconds: number };
  return { ...summarize(sent, refused, flows, await receivers.stop()), seconds: took };
}

/** @param sent over all flows, evenly */
function summarize(
  sent: number,
  refused: number,
  flows: number,
  arrived: ReadonlyMap<number, readonly Arrived[]>,
): Outcome {
  const outcome: Outcome = { sent, refused, lost: sent, reordered: 0, flowsHit: 0, flowsAbsent: 0, silenceMs: 0 };
  const each = Math.floor(sent / flows);
  const endMs = Math.max(...[...arrived.values()].flat().map(({ lastMs }) => lastMs));
  for (let flow = 0; flow < flows; flow++) {
    const parts = [...(arrived.get(flow) ?? [])].sort((a, b) => a.firstMs - b.firstMs);
    const packets = parts.reduce((total, part) => total + part.packets, 0);
    outcome.lost -= packets;
    outcome.reordered += parts.reduce((total, part) => total + part.reordered, 0);
    if (packets < each) outcome.flowsHit += 1;
    if (packets === 0) outcome.flowsAbsent += 1;
    // One that never came again was silent to the end.
    outcome.silenceMs = Math.max(outcome.silenceMs, endMs - (parts.at(-1)?.lastMs ?? endMs));
    for (const [index, { silenceMs, firstMs }] of parts.entries()) {
      const before = parts[index - 1]?.lastMs ?? firstMs;
      outcome.silenceMs = Math.max(outcome.silenceMs, silenceMs, firstMs - before);
    }
  }
  return outcome;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
