/** One network namespace of the kernel, with what all features hold of it. */
import { openKernel as openWith } from '../kernel/kernel.js';
import { FEATURES } from './features.js';
import type { Kernel, KernelFactories, KernelOptions } from '../kernel/kernel.js';

const FACTORIES = Object.assign({}, ...FEATURES.map(({ kernel }) => kernel)) as KernelFactories;

/** @throws NetnsError while the namespace is absent */
export function openKernel(options: KernelOptions): Kernel {
  return openWith(options, FACTORIES);
}
