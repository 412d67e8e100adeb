/** The TCP measurements: for every setting all paths stand beside each other and take turns. */
import { INNER } from '../chain/names.js';
import { tell } from '../lib/tell.js';
import { measureBulk } from './iperf.js';
import { measureExchanges } from './rrping.js';
import { RECEIVER_CPU, SENDER_CPU, Stand } from './stand.js';
import { measureTap } from './tap.js';
import type { Claim } from '../lib/claim.js';
import type { RowCollector } from '../lib/rows.js';
import type { TcpOptions } from './options.js';
import type { StandSetting } from './stand.js';

interface Setting extends StandSetting {
  /** Small packets do not care for the MTU: latency and connections are measured at the first MTU only. */
  exchanges: boolean;
}

async function measureStand(stand: Stand, setting: Setting, options: TcpOptions, rows: RowCollector): Promise<string> {
  const { tenantMtu, underlay } = setting;
  const netns = stand.chain.netns('gen');
  const path = stand.path.name;
  const said: string[] = [];
  for (const family of options.families) {
    const address = INNER[family].sink;
    for (const flows of options.flows) {
      const { bitsPerSecond, retransmits } = await measureBulk({
        netns,
        address,
        flows,
        seconds: options.seconds,
        cpu: SENDER_CPU,
      });
      const where = { tenantMtu, underlay, family, flows };
      rows.add(path, 'bulk', 'bit/s', where, bitsPerSecond);
      rows.add(path, 'retransmits', 'segments', where, retransmits);
      said.push(`${flows} ${flows === 1 ? 'flow' : 'flows'} ${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`);
    }
    if (!setting.exchanges) continue;
    const exchange = { netns, address, seconds: options.seconds / 2, cpu: RECEIVER_CPU };
    const where = { underlay, family };
    const latency = await measureExchanges({ ...exchange, connectEach: false });
    rows.add(path, 'latency_p50', 'µs', where, latency.p50_us);
    rows.add(path, 'latency_p99', 'µs', where, latency.p99_us);
    const connects = await measureExchanges({ ...exchange, connectEach: true });
    const perSecond = connects.exchanges / connects.seconds;
    rows.add(path, 'connects', '1/s', where, perSecond);
    said.push(`p50 ${latency.p50_us} µs, p99 ${latency.p99_us} µs, ${perSecond.toFixed(0)} connections/s`);
  }
  return said.join(', ');
}

async function measureSetting(setting: Setting, names: Claim, options: TcpOptions, rows: RowCollector): Promise<void> {
  const stands: Stand[] = [];
  try {
    for (const path of options.paths) stands.push(await Stand.create(path, names.next(), setting, options.families));
    for (let round = 1; round <= options.rounds; round++) {
      for (const stand of stands) {
        const said = await measureStand(stand, setting, options, rows);
        tell(
          `TCP, MTU ${setting.tenantMtu}, ${setting.underlay}, round ${round}/${options.rounds}, ${stand.path.name}: ${said}`,
        );
      }
    }
  } finally {
    for (const stand of stands) await stand.remove();
  }
}

export async function measureTcp(names: Claim, options: TcpOptions, rows: RowCollector): Promise<void> {
  for (const underlay of options.underlays) {
    for (const tenantMtu of options.mtus) {
      const exchanges = underlay === options.underlays[0] && tenantMtu === options.mtus[0];
      await measureSetting({ tenantMtu, underlay, exchanges }, names, options, rows);
    }
  }
  if (options.tap) await measureTap(names, options, rows);
}
