import { EventClock } from '../../watch/clock.js';
import * as words from '../../watch/monitor.js';
import { Naming } from '../../watch/naming.js';
import { WatchSession } from '../../watch/session.js';
import { CommandError, EXIT } from '../exit.js';
import { readConfig, withInstance } from '../inputs.js';
import { complain, print, printJson } from '../print.js';
import * as common from './common.js';
import type { IntentOptions } from '../inputs.js';

const MAX_RATE = 1_000_000;
/** Headers: Ethernet, an outer one with its SRH, an inner one, TCP with options. */
const SNAP_BYTES = 256;
const RING_BYTES = 1 << 20;

export interface MonitorFlags extends IntentOptions {
  reason?: string[];
  tenant?: string;
  port?: string;
  rate: string;
  json?: boolean;
}

/** `segue monitor` */
export async function monitor(options: MonitorFlags): Promise<void> {
  const config = readConfig(options);
  const rate = common.readNumber('--rate', options.rate, 0, MAX_RATE);
  const reasons = (options.reason ?? []).flatMap((name) => {
    const numbers = words.reasonsNamed(name, config.dataplane === 'ebpf');
    if (numbers.length > 0) return numbers;
    throw new CommandError(`--reason ${name}: expected one of ${words.reasonNames().join(', ')}`, EXIT.badInput);
  });
  await withInstance(config, async (instance) => {
    const naming = new Naming(common.contextReader(instance, options));
    const { context } = naming;
    if (instance.kernel.fastpath.responderAlone) throw common.noFastpath(context, 'segue monitor');
    const tenant = options.tenant === undefined ? undefined : common.tenantNumber(context, options.tenant);
    const device = options.port === undefined ? undefined : common.portInterface(context, options.port);
    const portTenant = device === undefined ? undefined : common.tenantOfDevice(context, device);
    const only = tenant ?? portTenant;
    const clock = new EventClock();
    const ended = common.untilEnded();
    const session = new WatchSession({
      fastpath: instance.kernel.fastpath,
      runDirectory: instance.runDirectory,
      filter: () => ({
        reasons: reasons.length === 0 ? words.MONITORED : reasons,
        ...(only !== undefined && { tenant: only }),
        ...(rate > 0 && { rate }),
        snap: SNAP_BYTES,
        ringBytes: RING_BYTES,
      }),
      onSeen: (seen, maps) => {
        const event = words.packetEvent(seen, clock.text(seen.time), naming, maps);
        if (device !== undefined && event.port !== naming.port(device)) return;
        if (options.json) printJson(event);
        else print(words.packetLine(event));
      },
      onMissed: (missed) => {
        const event = words.missedEvent(missed, clock.now(), naming.alone);
        if (options.json) printJson(event);
        else complain(words.missedLine(event));
      },
      onChange: complain,
      onStart: () => {
        complain(`monitoring ${config.node}`);
        if (!options.json) print(words.MONITOR_HEAD);
      },
    });
    if (!(await session.run(ended.signal))) throw common.noFastpath(context, 'segue monitor');
  });
}
