import { paint } from './colour.js';
import { CommandError, EXIT } from './exit.js';
import { withIntentOptions } from './node-options.js';
import { addressGiven, readNumber, withAddressOption } from './options.js';
import { printError, print, printJson } from './print.js';
import { isRoot, requireRoot } from './privilege.js';
import { renderTable } from './table.js';
import { canonicalAddress, familyOf } from 'netlink-ts/inet';
import type { Command } from 'commander';
import type { IntentOptions } from './node-options.js';
import type { AddressFlags } from './options.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { ArrivingQuestion, Protocol, Question, Trace, TraceStep } from '../observe/trace/types.js';

/** Largest IP packet in bytes. */
const MAX_SIZE_BYTES = 65_535;
/** Largest packet on which a network node's program is run. */
const MAX_ARRIVING_BYTES = 3000;
const MAX_PORT = 65_535;
const MAX_TTL = 255;

/** The packet's options. */
export interface PacketFlags extends AddressFlags {
  port?: string;
  tenant?: string;
  to?: string;
  from?: string;
  size?: string;
  proto?: string;
  sport?: string;
  dport?: string;
  ttl?: string;
  syn?: boolean;
}

interface TraceFlags extends IntentOptions, PacketFlags {
  json?: boolean;
}

export function addTraceCommand(program: Command): void {
  const command = withIntentOptions(program.command('trace'))
    .description('trace what would happen to a packet, hop by hop, and why; exit code 1: it is dropped')
    .option('-p, --port <port>', 'the sender: a port of the intent, or its interface')
    .option('-t, --tenant <name>', 'on a network node: the tenant of an arriving packet; needs --from')
    .option('--to <address>', 'the destination')
    .option('--from <address>', "the source (default: the port's own address)");
  withAddressOption(command, 'the destination; with --to, the source')
    .option('--size <bytes>', 'size of the inner packet with its IP header (default: 84, a ping)')
    .option('--proto <protocol>', 'icmp (an echo request), tcp or udp (default: icmp)')
    .option('--sport <port>', 'the source port of tcp and udp')
    .option('--dport <port>', 'the destination port of tcp and udp')
    .option('--syn', 'tcp: a SYN that opens a connection (default: a segment of an open one)')
    .option('--ttl <n>', 'TTL or hop limit as the VM sends it (default: 64)')
    .option('-j, --json', 'print JSON')
    .action(async (options: TraceFlags) => {
      const { DEFAULT_SIZE_BYTES, QuestionError } = await import('../observe/trace/types.js');
      const question = readQuestion(options, DEFAULT_SIZE_BYTES);
      // The agent runs the same command: root does not need the agent.
      if (!isRoot() && options.file === undefined) {
        const { traceByAgent } = await import('./trace-by-agent.js');
        const found = await traceByAgent(question, options.config);
        if (found !== undefined) {
          show(found, options);
          return;
        }
      }
      requireRoot();
      const { readConfig } = await import('./inputs.js');
      const { withInstance } = await import('./open.js');
      const config = readConfig(options);
      const { trace, traceFromNetworkNode } = await import('../observe/trace/trace.js');
      const { showContext } = await import('../observe/inspect/context.js');
      const intent = await wholeIntent(config);
      await withInstance(config, async (instance) => {
        const context = showContext(instance, intent);
        const ask = async (): Promise<Trace> =>
          'port' in question ? trace(context, intent, question) : traceFromNetworkNode(context, intent, question);
        const found = await ask().catch((error: unknown) => {
          throw error instanceof QuestionError ? new CommandError(error.message, EXIT.badInput) : error;
        });
        show(found, options);
      });
    });
}

function show(found: Trace, { json }: TraceFlags): void {
  if (json) printJson(found);
  else for (const line of traceLines(found)) print(line);
  if (found.verdict === 'dropped') process.exitCode = EXIT.failed;
}

/** Sizes of the smallest packets in bytes: the IP header, and the part of the transport header that programs read. */
const LEAST_BYTES = { 4: { icmp: 20, udp: 28, tcp: 40 }, 6: { icmp: 40, udp: 48, tcp: 60 } } as const;

/** @throws CommandError (bad input) */
export function readQuestion(
  { port, tenant, size, syn, ...flags }: PacketFlags,
  defaultSize: number,
): Question | ArrivingQuestion {
  const { destination, source } = readEnds(flags);
  const family = familyOf(destination);
  const protocol = readProtocol(flags.proto);
  const least = LEAST_BYTES[family][protocol ?? 'icmp'];
  const most = tenant === undefined ? MAX_SIZE_BYTES : MAX_ARRIVING_BYTES;
  const bytes = size === undefined ? defaultSize : readNumber('--size', size, least, most, 'bytes');
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  if (!hasPorts && (flags.sport !== undefined || flags.dport !== undefined)) {
    refuse(`--${flags.sport === undefined ? 'dport' : 'sport'}: expected with --proto tcp or udp`);
  }
  if (syn === true && protocol !== 'tcp') refuse('--syn: expected with --proto tcp');
  const sourcePort = readOptional('--sport', flags.sport, 0, MAX_PORT);
  const destinationPort = readOptional('--dport', flags.dport, 0, MAX_PORT);
  const ttl = readOptional('--ttl', flags.ttl, 0, MAX_TTL);
  const packet = {
    to: destination,
    size: bytes,
    ...(protocol !== undefined && { protocol }),
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
    ...(ttl !== undefined && { ttl }),
    ...(syn === true && { syn }),
  };
  if (port !== undefined) {
    if (tenant !== undefined) refuse(`--tenant ${tenant}: not with --port, whose tenant is known`);
    return { port, ...packet, ...(source !== undefined && { from: source }) };
  }
  if (tenant === undefined) refuse('expected --port, or on a network node --tenant with --from');
  if (source === undefined) refuse(`--tenant ${tenant}: expected with --from, the address of a member`);
  return { tenant, from: source, ...packet };
}

/** With only an address, the packet has it at either end, as in `capture` and `show flow`. */
function readEnds(flags: PacketFlags): { destination: string; source: string | undefined } {
  const address = addressGiven(flags);
  const to = flags.to === undefined ? address : { option: '--to', text: flags.to };
  if (to === undefined) return refuse('expected --to, or --address: the destination');
  const from =
    flags.from === undefined ? (to === address ? undefined : address) : { option: '--from', text: flags.from };
  if (flags.to !== undefined && flags.from !== undefined && address !== undefined) {
    refuse(`${address.option} ${address.text}: not with both --to and --from, which name both ends of the packet`);
  }
  const destination = readAddress(to.option, to.text);
  if (from === undefined) return { destination, source: undefined };
  const source = readAddress(from.option, from.text);
  if (familyOf(source) !== familyOf(destination)) {
    refuse(`${from.option} ${source}: expected an address of the family of ${destination}`);
  }
  return { destination, source };
}

function readProtocol(text: string | undefined): Protocol | undefined {
  if (text === undefined || text === 'icmp' || text === 'tcp' || text === 'udp') return text;
  return refuse(`--proto ${text}: expected icmp, tcp or udp`);
}

function readOptional(option: string, text: string | undefined, least: number, most: number): number | undefined {
  return text === undefined ? undefined : readNumber(option, text, least, most);
}

function refuse(message: string): never {
  throw new CommandError(message, EXIT.badInput);
}

/** Formats a trace: heading, steps, verdict. */
export function traceLines({ node, port, tenant, from, to, size, protocol, steps, verdict, text }: Trace): string[] {
  const columns = [
    { title: 'NODE', cell: (step: TraceStep) => step.node },
    { title: 'STEP', cell: (step: TraceStep) => step.step },
    {
      title: '',
      cell: (step: TraceStep) => (step.verdict === 'pass' ? 'ok' : step.verdict === 'planned' ? 'plan' : step.verdict),
    },
    { title: 'WHAT', cell: (step: TraceStep) => step.text },
  ];
  return [
    `${from} > ${to} ${protocol}, ${size} bytes, ${port === null ? `of ${tenant} at` : `from ${port} (${tenant}) on`} ${node}`,
    ...renderTable(columns, steps),
    `${paint(verdict === 'dropped' ? 'red' : 'green', verdict)}: ${text}`,
  ];
}

function readAddress(option: string, text: string): string {
  const address = canonicalAddress(text);
  if (address === undefined)
    throw new CommandError(`${option} ${text}: expected an IPv4 or IPv6 address`, EXIT.badInput);
  return address;
}

/** The whole intent, or with feeds this node's part, from which the far node's plan is made. */
async function wholeIntent(config: NodeConfig): Promise<Intent | undefined> {
  const { loadIntentOf } = await import('../fleet/node/cache.js');
  try {
    return loadIntentOf(config);
  } catch (error) {
    const [first] = error instanceof Error ? error.message.split('\n') : [String(error)];
    printError(`the intent cannot be used, so the steps on the far node are unknown: ${first ?? ''}`);
    return undefined;
  }
}
