/** The paths that run on a kernel without VRF, in the order of the report. A new one is one more file and one line here. */
import { ceiling } from './ceiling.js';
import { plain } from './plain.js';
import { seg6Encap, seg6EncapRed } from './seg6.js';
import { vxlan } from './vxlan.js';
import type { Path } from './path.js';

export const NATIVE_PATHS: readonly Path[] = [ceiling, plain, seg6Encap, seg6EncapRed, vxlan];

/** @throws RangeError for a name that is none */
export function pathsNamed(names: readonly string[], among: readonly Path[]): Path[] {
  return names.map((name) => {
    const path = among.find((candidate) => candidate.name === name);
    if (path === undefined) {
      throw new RangeError(`path ${name}: expected one of ${among.map((one) => one.name).join(', ')}`);
    }
    return path;
  });
}
