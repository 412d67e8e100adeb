/** Opens a network namespace of the kernel with the handles of all features. */
import { openKernel as openWith } from '../kernel/kernel.js';
import { FEATURES } from './features.js';
import type { Kernel, KernelFactories, KernelOptions } from '../kernel/kernel.js';

const FACTORIES = Object.assign({}, ...FEATURES.map(({ kernel }) => kernel)) as KernelFactories;

/** @throws NetnsError while the namespace does not exist */
export function openKernel(options: KernelOptions): Kernel {
  return openWith(options, FACTORIES);
}
