/** Handles of the node's services outside the kernel: the name of their namespace, and the files of ports. */
import { basename, join } from 'node:path';
import { serviceNetns } from './address.js';
import type { KernelOptions, KernelPart } from '../kernel/kernel.js';

declare module '../kernel/kernel.js' {
  interface KernelParts {
    services: ServiceStore;
  }
}

export class ServiceStore implements KernelPart {
  /** Name of the namespace (`ip netns`). */
  readonly netns: string;
  /** Directory with a file for each port, named by its interface's index. */
  readonly portDirectory: string;

  constructor({ runDirectory }: KernelOptions) {
    this.netns = serviceNetns(basename(runDirectory));
    this.portDirectory = `${runDirectory}/ports`;
  }

  /** The file of the port at an interface. @param index index of the interface */
  portFile(index: number): string {
    return join(this.portDirectory, `${index}.json`);
  }

  close(): void {
    // There are no open handles.
  }
}
