/** The loss-aware search: the highest rate at which at most a fraction of the packets is lost (SRPerf's PDR). Pure. */

/** What one trial offered and what of it arrived. */
export interface Trial {
  offered: number;
  arrived: number;
  seconds: number;
  /** Of the seconds, those in which the generator had its CPU. */
  busySeconds: number;
}

export interface SearchOptions {
  /** Packets a second at which the search begins: above what the path can do. */
  top: number;
  /** Fraction of the offered packets that may be lost. */
  lossMax: number;
  /** The search ends when the rates that passed and failed are that close, as a fraction of the one that failed. */
  precision: number;
  /** The search ends after so many trials as well, whatever is known by then. */
  trialsMax: number;
}

export interface Found {
  /** Packets a second that were really offered in the best trial that passed; 0 when none did down to a hundredth of the first. */
  rate: number;
  /** Of that trial. */
  loss: number;
  trials: number;
}

/** Below this fraction of the first rate the search gives up: such a path drops at any rate. */
const FLOOR = 0.01;

export function loss({ offered, arrived }: Trial): number {
  return offered === 0 ? 0 : Math.max(0, 1 - arrived / offered);
}

/**
 * Bisects on the offered rate. A trial that fails is made again once before it counts: on a machine that does something
 * else as well, one stall of a CPU loses a queue of packets at any rate.
 */
export async function searchRate(trial: (rate: number) => Promise<Trial>, options: SearchOptions): Promise<Found> {
  const found: Found = { rate: 0, loss: 0, trials: 0 };
  const passes = async (rate: number): Promise<boolean> => {
    const result = await trial(rate);
    found.trials += 1;
    if (loss(result) > options.lossMax) return false;
    const reached = result.offered / result.seconds;
    if (reached > found.rate) {
      found.rate = reached;
      found.loss = loss(result);
    }
    return true;
  };
  let low = 0;
  let high = options.top;
  while (high - low > options.precision * high && high > options.top * FLOOR && found.trials < options.trialsMax) {
    const middle = (low + high) / 2;
    if ((await passes(middle)) || (await passes(middle))) low = middle;
    else high = middle;
  }
  return found;
}
