/**
 * Bulk TCP to a VM's interface: a TAP that takes super-packets, but not tunnels' (native/tapbridge.c). Frames come from the wire one by
 * one; what counts is how many bytes the VM is given at once.
 */
import { INNER, VM } from '../chain/names.js';
import { tell } from '../lib/tell.js';
import { measureBulk } from './iperf.js';
import { SENDER_CPU, Stand } from './stand.js';
import type { Family } from '../chain/names.js';
import type { Claim } from '../lib/claim.js';
import type { RowCollector } from '../lib/rows.js';
import type { TcpOptions } from './options.js';

/** The smallest frames are where merging counts. */
const SETTING = { tenantMtu: 1500, underlay: 'wire', tap: true } as const;
/**
 * The kernel as it is, and the fast path without XDP on the uplink and with it. Without, the fast path leaves super-packets to the
 * kernel's End.DT46, which this kernel has no VRF for: End.DX4 stands in (paths/fast.ts), of IPv4 alone.
 */
const TAP_FAMILIES: Readonly<Record<string, readonly Family[]>> = {
  plain: [4, 6],
  'seg6-encap-red': [4, 6],
  'segue-tcx': [4],
  'segue-both': [4, 6],
};
const FLOWS = 1;

interface LinkStatistics {
  stats64: { rx: { bytes: number; packets: number } };
}

/** What the VM's interface was given so far. A super-packet is one (drivers/net/tun.c, tun_get_user). */
async function received(stand: Stand): Promise<{ bytes: number; packets: number }> {
  const text = await stand.chain.run('sink', ['ip', '-s', '-j', 'link', 'show', 'dev', VM]);
  const [link] = JSON.parse(text) as LinkStatistics[];
  if (link === undefined) throw new Error(`${VM} of the sink: no statistics`);
  return link.stats64.rx;
}

/** Adds rows `tap_bulk` (bit/s) and `tap_packet_bytes`. */
export async function measureTap(names: Claim, options: TcpOptions, rows: RowCollector): Promise<void> {
  const stands: Stand[] = [];
  const paths = options.paths.filter(({ name }) => name in TAP_FAMILIES);
  try {
    for (const path of paths)
      stands.push(await Stand.create(path, names.next(), SETTING, TAP_FAMILIES[path.name] ?? []));
    for (let round = 1; round <= options.rounds; round++) {
      for (const stand of stands) {
        for (const family of TAP_FAMILIES[stand.path.name] ?? []) {
          const before = await received(stand);
          const address = INNER[family].sink;
          const test = { netns: stand.chain.netns('gen'), address, flows: FLOWS, seconds: options.seconds };
          const { bitsPerSecond } = await measureBulk({ ...test, cpu: SENDER_CPU });
          const after = await received(stand);
          const mean = (after.bytes - before.bytes) / (after.packets - before.packets);
          const { tenantMtu, underlay } = SETTING;
          const where = { tenantMtu, underlay, family, flows: FLOWS };
          rows.add(stand.path.name, 'tap_bulk', 'bit/s', where, bitsPerSecond);
          rows.add(stand.path.name, 'tap_packet_bytes', 'byte', where, mean);
          tell(
            `TCP to a TAP, IPv${family}, round ${round}/${options.rounds}, ${stand.path.name}: ` +
              `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s, ${mean.toFixed(0)} bytes a packet`,
          );
        }
      }
    }
  } finally {
    for (const stand of stands) await stand.remove();
  }
}
