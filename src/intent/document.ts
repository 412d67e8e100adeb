/** The result of parsing a text: a raw value, and the positions of its parts. */
import type { IssuePath } from './findings.js';

export interface RawDocument {
  value: unknown;
  /** False if syntax errors make the value unreliable: only syntax is then reported. */
  usable: boolean;
  /**
   * Offsets in the text of the parts at these paths, -1 if unknown. If there is no part at a path, the innermost part around it is used; with
   * `key`, that key of the map at the path.
   */
  offsetsOf(places: readonly { path: IssuePath; key?: string }[]): number[];
}
