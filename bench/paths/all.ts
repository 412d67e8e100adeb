/** The paths, in the order of the report. A new one is one more file and one line here. */
import { ceiling, ceilingTcx } from './ceiling.js';
import { fastBoth, fastTcx, fastTcxAnySource, fastXdp, fastXdpAnySource, fastXdpLarge } from './fast.js';
import { minimal } from './minimal.js';
import { plain } from './plain.js';
import { seg6Encap, seg6EncapRed } from './seg6.js';
import { vrfDt4, vrfDt46 } from './vrf.js';
import { vxlan } from './vxlan.js';
import type { Path } from './path.js';

/** Those that a kernel without VRF has. */
export const NATIVE_PATHS: readonly Path[] = [
  ceiling,
  ceilingTcx,
  minimal,
  plain,
  seg6Encap,
  seg6EncapRed,
  vxlan,
  fastTcx,
  fastBoth,
  fastXdp,
  fastXdpLarge,
];

/** Measured when they are asked for by name. */
export const COMPARED_PATHS: readonly Path[] = [fastTcxAnySource, fastXdpAnySource];

/** Those measured in the VM. */
export const VM_PATHS: readonly Path[] = [
  ...NATIVE_PATHS.filter((path) => path !== fastXdpLarge && path !== minimal),
  vrfDt4,
  vrfDt46,
];

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
