/** A port whose interface somebody puts into another device. */
import { portRecords } from '../../../src/cli/show/port.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import type { Intent } from '../../../src/intent/types.js';
import type { TestNetwork } from './network.js';
import { scopeTo } from '../../../src/app/intent.js';
import { awaitBacklogs } from './raw.js';

/** Of the first hypervisor. */
export const PORT = 't100-1';

/** Packets that a device has received, those that a CPU still has in its backlog included. */
export const received = async (network: TestNetwork, name: string, device: string): Promise<number> => {
  awaitBacklogs();
  const [link] = JSON.parse(await network.ip(name, `-j -s link show dev ${device}`)) as {
    stats64: { rx: { packets: number } };
  }[];
  return link?.stats64.rx.packets ?? NaN;
};
export const intentOf = (network: TestNetwork): Intent => scopeTo(network.intent(), network.config('hv1').node);
/** Of the port, as `show port` says. */
export const stateOf = (network: TestNetwork): string | undefined => {
  const instance = network.instance('hv1');
  instance.kernel.links.refresh();
  return portRecords(showContext(instance, intentOf(network))).find((port) => port.interface === PORT)?.state;
};
