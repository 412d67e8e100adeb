import { EventClock } from '../../observe/events/clock.js';
import { LogRateLimiter } from '../../observe/events/log-rate-limiter.js';
import { PolicyLogReader } from '../../observe/events/policy-log-reader.js';
import * as words from '../../observe/events/monitor.js';
import { NameResolver } from '../../observe/events/name-resolver.js';
import { EventSession } from '../../observe/events/session.js';
import { summarise } from '../../observe/events/summary.js';
import { zoneTransitOf } from '../../observe/events/zone-transit.js';
import { CommandError, EXIT } from '../exit.js';
import { readConfig } from '../inputs.js';
import { portInterface, tenantNumber } from '../names.js';
import { withInstance } from '../open.js';
import { readNumber } from '../options.js';
import { printError, print, printJson } from '../print.js';
import * as common from './common.js';
import { drained, paced } from './destination.js';
import type { IntentOptions } from '../node-options.js';

const MAX_RATE = 1_000_000;
/** Enough for the headers: Ethernet, outer header with SRH, inner header, TCP with options. */
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
  const rate = readNumber('--rate', options.rate, 0, MAX_RATE);
  const reasons = (options.reason ?? []).flatMap((name) => {
    const numbers = words.reasonsNamed(name, config.dataplane === 'ebpf');
    if (numbers.length > 0) return numbers;
    throw new CommandError(`--reason ${name}: expected one of ${words.reasonNames().join(', ')}`, EXIT.badInput);
  });
  await withInstance(config, async (instance) => {
    const nameResolver = new NameResolver(common.contextReader(instance, options));
    const { context } = nameResolver;
    if (instance.kernel.fastpath.responderAlone) throw common.noFastpath(context, 'segue monitor');
    const tenant = options.tenant === undefined ? undefined : tenantNumber(context, options.tenant);
    const device = options.port === undefined ? undefined : portInterface(context, options.port);
    const portTenant = device === undefined ? undefined : common.tenantOfDevice(context, device);
    const only = tenant ?? portTenant;
    const { fastpath } = instance.kernel;
    const isTold = (number: number): boolean => reasons.length === 0 || reasons.includes(number);
    const clock = new EventClock();
    const ended = common.untilEnded();
    const { runDirectory } = instance;
    const decisionRate = new LogRateLimiter(rate);
    const tell = (event: words.PacketEvent | words.DecisionEvent, line: () => string): void => {
      if (options.json) printJson(event);
      else print(line());
    };
    const tellMissed = (event: words.MissedEvent): void => {
      if (options.json) printJson(event);
      else printError(words.missedLine(event));
    };
    const denials = new PolicyLogReader({
      ...{ fastpath, runDirectory, onChange: printError },
      onDecision: (decision) => {
        // The decision concerns no port of this node.
        if (device !== undefined || !isTold(decision.reason)) return;
        if (only !== undefined && decision.from !== only && decision.to !== only) return;
        if (!decisionRate.admits(decision)) return;
        const event = words.decisionEvent(decision, clock.text(decision.time), nameResolver);
        tell(event, () => words.decisionLine(event));
      },
      onTick: () => {
        const suppressed = decisionRate.take();
        if (suppressed.length > 0) tellMissed(words.missedDecisions(suppressed, clock.now(), nameResolver.alone));
      },
    });
    const session = new EventSession({
      ...{ fastpath, runDirectory, onChange: printError },
      filter: () => ({
        reasons: reasons.length === 0 ? words.MONITORED : reasons,
        ...(only !== undefined && { tenant: only, peer: only }),
        ...(rate > 0 && { rate }),
        snap: SNAP_BYTES,
        ringBytes: RING_BYTES,
      }),
      onSeen: (seen, maps) => {
        const summary = summarise(seen.before, seen.length, seen.vlanTci);
        const passage = zoneTransitOf(seen, fastpath.steering);
        // The policy log reports this packet, too.
        if (passage?.isLogged === true && denials.isReading && words.isPolicyReason(seen)) return;
        const event = words.packetEvent(seen, summary, clock.text(seen.time), nameResolver, maps, passage);
        if (device !== undefined && event.port !== nameResolver.port(device)) return;
        tell(event, () => words.packetLine(event));
        keepPace();
      },
      onMissed: (missed) => {
        tellMissed(words.missedEvent(missed, clock.now(), nameResolver.alone));
      },
      onStart: () => {
        printError(`monitoring ${config.node}`);
        if (!options.json) print(words.MONITOR_HEAD);
      },
    });
    const keepPace = paced(process.stdout, session);
    const looking = session.run(ended.signal).then((ran) => {
      if (!ran) throw common.noFastpath(context, 'segue monitor');
    });
    const both = await Promise.allSettled([looking.finally(() => ended.abort()), denials.run(ended.signal)]);
    for (const one of both) if (one.status === 'rejected') throw one.reason;
    await drained(process.stdout, 'standard output');
  });
}
