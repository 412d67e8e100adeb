/** What a format's reader makes of a text: a raw value, and where its parts stand. */
import type { IssuePath } from './findings.js';

export interface RawDocument {
  value: unknown;
  /** False when the syntax is so broken that what the value says is guesswork: only syntax is then reported. */
  usable: boolean;
  /**
   * Offsets in the text of the parts at these places, -1 where it cannot be told. Where nothing stands at a path it is
   * the innermost part around it; with `key` it is that key of the map at the path.
   */
  offsetsOf(places: readonly { path: IssuePath; key?: string }[]): number[];
}
