import { SNAP_MAX } from '../../ebpf/trace-session.js';
import { CaptureWriter, captureLine, concerns } from '../../observe/events/capture.js';
import { EventClock } from '../../observe/events/clock.js';
import { NameResolver } from '../../observe/events/name-resolver.js';
import { EventSession } from '../../observe/events/session.js';
import { summarise } from '../../observe/events/summary.js';
import { CommandError, EXIT } from '../exit.js';
import { readConfig } from '../inputs.js';
import { portInterface, readPrefix, tenantNumber } from '../names.js';
import { withInstance } from '../open.js';
import { addressGiven, readNumber } from '../options.js';
import { printError, print } from '../print.js';
import * as common from './common.js';
import { drained, openDestination, paced } from './destination.js';
import type { Writable } from 'node:stream';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { IntentOptions } from '../node-options.js';
import type { AddressFlags } from '../options.js';

/** Bytes captured of each packet for filtering, even if fewer are written. */
const HEADER_BYTES = 256;
const RING_BYTES = 1 << 24;

export interface CaptureFlags extends IntentOptions, AddressFlags {
  port?: string;
  tenant?: string;
  uplink?: string;
  write?: string;
  count?: string;
  snaplen?: string;
}

/** `segue capture` */
export async function capture(options: CaptureFlags): Promise<void> {
  const config = readConfig(options);
  const snap = readNumber('--snaplen', options.snaplen ?? String(SNAP_MAX), 1, SNAP_MAX);
  const most =
    options.count === undefined ? Infinity : readNumber('--count', options.count, 1, Number.MAX_SAFE_INTEGER);
  const given = addressGiven(options);
  const address = given === undefined ? undefined : readPrefix(given.option, given.text);
  const { uplink } = options;
  if (uplink !== undefined && !config.uplinks.includes(uplink)) {
    throw new CommandError(`--uplink ${uplink}: expected one of ${config.uplinks.join(' ')}`, EXIT.badInput);
  }
  if (options.write === '-' && process.stdout.isTTY) {
    throw new CommandError('-w -: standard output is a terminal: expected a file or a pipe', EXIT.badInput);
  }
  await withInstance(config, async (instance) => {
    const nameResolver = new NameResolver(common.contextReader(instance, options));
    const { context } = nameResolver;
    const tenant = options.tenant === undefined ? undefined : tenantNumber(context, options.tenant);
    const device = options.port === undefined ? undefined : portInterface(context, options.port);
    const only = tenant ?? (device === undefined ? undefined : common.tenantOfDevice(context, device));
    const { maps, responderAlone } = instance.kernel.fastpath;
    if (maps === undefined || responderAlone) throw noCapture(context, options);
    const clock = new EventClock();
    const ended = common.untilEnded();
    const out = options.write === undefined ? undefined : openDestination(options.write);
    const failed = out === undefined ? undefined : failure(out, ended);
    const writer =
      out &&
      new CaptureWriter(
        (bytes) => out.write(bytes),
        nameResolver,
        { snap, application: 'segue capture' },
        (time) => clock.nanoseconds(time),
      );
    let packets = 0;
    let lost = 0;
    const session = new EventSession({
      fastpath: instance.kernel.fastpath,
      runDirectory: instance.runDirectory,
      filter: () => ({
        ...(only !== undefined && { tenant: only }),
        ...(uplink !== undefined && { ifindex: context.kernel.links.indexOf(uplink) }),
        snap: Math.max(snap, HEADER_BYTES),
        ringBytes: RING_BYTES,
      }),
      onSeen: (seen, maps) => {
        if (packets >= most) return;
        if (device !== undefined && !isOfPort(seen, device, nameResolver, maps)) return;
        if (address !== undefined && !concerns(seen, address)) return;
        packets += 1;
        if (writer === undefined) print(captureLine(seen, clock.text(seen.time), nameResolver));
        else writer.add(seen);
        if (packets >= most) ended.abort();
        else keepPace();
      },
      onMissed: (missed) => {
        lost += missed.lost;
      },
      onChange: printError,
      onStart: () => {
        printError(`capturing on ${config.node}${options.write === undefined ? '' : ` to ${options.write}`}`);
      },
    });
    const keepPace = paced(out ?? process.stdout, session);
    const ran = await session.run(ended.signal);
    await drained(out ?? process.stdout, options.write === undefined ? 'standard output' : `-w ${options.write}`);
    if (out !== undefined && out !== process.stdout) await new Promise((resolve) => out.end(resolve));
    if (!ran) throw noCapture(context, options);
    printError(`${packets} packet${packets === 1 ? '' : 's'}, ${lost} dropped (buffer full)`);
    if (failed?.error !== undefined) throw new CommandError(`${options.write ?? ''}: ${failed.error.message}`);
  });
}

function isOfPort(seen: TraceEvent, device: string, nameResolver: NameResolver, maps: FastpathMaps): boolean {
  const { ifindex, egress } = seen;
  if (nameResolver.device(ifindex) === device || (egress !== 0 && nameResolver.device(egress) === device)) return true;
  return nameResolver.portOf(seen, summarise(seen.before, seen.length).to, maps) === device;
}

/** In kernel mode tcpdump sees all packets; only a fast path bypasses it. */
function noCapture(context: ShowContext, { port, uplink }: CaptureFlags): CommandError {
  const { config } = context;
  const where = config.netns === undefined ? '' : `ip netns exec ${config.netns} `;
  const device = port ?? uplink ?? config.uplinks[0] ?? 'any';
  return new CommandError(
    `${config.node} has no fast path to capture from: the kernel forwards all packets, and ` +
      `${where}tcpdump -i ${device} shows them`,
  );
}

/** Ends the capture if its file cannot be written any more. */
function failure(out: Writable, ended: AbortController): { error?: Error } {
  const found: { error?: Error } = {};
  if (out !== process.stdout) {
    out.on('error', (error) => {
      found.error = error;
      ended.abort();
    });
  }
  return found;
}
