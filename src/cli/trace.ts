import { CommandError, EXIT } from './exit.js';
import { readConfig, withInstance, withIntentOptions } from './inputs.js';
import { complain, print, printJson } from './print.js';
import { renderTable } from './table.js';
import { canonicalAddress, familyOf } from '../net/address.js';
import { loadIntent } from '../intent/load.js';
import type { Command } from 'commander';
import type { IntentOptions } from './inputs.js';
import type { Intent } from '../intent/types.js';
import type { Question, Trace, TraceStep } from '../trace/types.js';

/** Largest IP packet, bytes. */
const MAX_SIZE_BYTES = 65_535;

interface TraceFlags extends IntentOptions {
  port: string;
  to: string;
  from?: string;
  size?: string;
  json?: boolean;
}

export function addTraceCommand(program: Command): void {
  withIntentOptions(program.command('trace'))
    .description('what would happen to a packet, hop by hop, and why; exit 0: it arrives, 1: it is dropped')
    .requiredOption('-p, --port <port>', 'the sender: a port of the intent, or its interface')
    .requiredOption('--to <address>', 'the destination')
    .option('--from <address>', "the source; default: the port's own")
    .option('--size <bytes>', 'the inner packet, IP header included; default: 84, a ping')
    .option('-j, --json', 'JSON')
    .action(async (options: TraceFlags) => {
      const config = readConfig(options);
      const { trace } = await import('../trace/trace.js');
      const { DEFAULT_SIZE_BYTES, QuestionError } = await import('../trace/types.js');
      const { showContext } = await import('../inspect/context.js');
      const question = readQuestion(options, DEFAULT_SIZE_BYTES);
      const intent = wholeIntent(config.intent);
      await withInstance(config, async (instance) => {
        const found = await trace(showContext(instance, intent), intent, question).catch((error: unknown) => {
          throw error instanceof QuestionError ? new CommandError(error.message, EXIT.badInput) : error;
        });
        if (options.json) printJson(found);
        else for (const line of traceLines(found)) print(line);
        if (found.verdict === 'dropped') process.exitCode = EXIT.failed;
      });
    });
}

/** @throws CommandError (bad input) */
export function readQuestion({ port, to, from, size }: TraceFlags, defaultSize: number): Question {
  const destination = readAddress('--to', to);
  const source = from === undefined ? undefined : readAddress('--from', from);
  if (source !== undefined && familyOf(source) !== familyOf(destination)) {
    throw new CommandError(`--from ${source}: expected an address of the family of ${destination}`, EXIT.badInput);
  }
  const least = familyOf(destination) === 4 ? 20 : 40;
  const bytes = size === undefined ? defaultSize : Number(size);
  if (!Number.isInteger(bytes) || bytes < least || bytes > MAX_SIZE_BYTES) {
    throw new CommandError(`--size ${size ?? ''}: expected bytes from ${least} to ${MAX_SIZE_BYTES}`, EXIT.badInput);
  }
  return { port, to: destination, size: bytes, ...(source !== undefined && { from: source }) };
}

/** A head line, the steps, the verdict. */
export function traceLines({ node, port, tenant, from, to, size, steps, verdict, text }: Trace): string[] {
  const columns = [
    { title: 'NODE', cell: (step: TraceStep) => step.node },
    { title: 'STEP', cell: (step: TraceStep) => step.step },
    { title: '', cell: (step: TraceStep) => (step.verdict === 'pass' ? 'ok' : step.verdict) },
    { title: 'WHAT', cell: (step: TraceStep) => step.text },
  ];
  return [
    `${from} > ${to}, ${size} bytes, from ${port} (${tenant}) on ${node}`,
    ...renderTable(columns, steps),
    `${verdict}: ${text}`,
  ];
}

function readAddress(option: string, text: string): string {
  const address = canonicalAddress(text);
  if (address === undefined)
    throw new CommandError(`${option} ${text}: expected an IPv4 or IPv6 address`, EXIT.badInput);
  return address;
}

/** Every node's intent: the far node's plan is made from it. */
function wholeIntent(file: string): Intent | undefined {
  try {
    return loadIntent(file);
  } catch (error) {
    const [first] = error instanceof Error ? error.message.split('\n') : [String(error)];
    complain(`without the intent the far node's part is not known: ${first ?? ''}`);
    return undefined;
  }
}
