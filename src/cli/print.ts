import { paint } from './colour.js';
import { printableClip } from '../intent/printable.js';
import type { Colour } from './colour.js';
import type { Action, ChangeText, Failure, Report, Waiting } from '../reconcile/change.js';

/** Limit of a message that may contain long options or names. */
const MAX_LINE_CHARS = 4000;

/** Prints a command's result on standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints large results on standard output, at the reader's pace. @returns false once the output is closed */
export async function printAndWait(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable) return false;
  if (stdout.write(text)) return true;
  return new Promise((resolve) => {
    const settle = (isOpen: boolean) => (): void => {
      for (const [event, listener] of listeners) stdout.off(event, listener);
      resolve(isOpen);
    };
    const listeners = [
      ['drain', settle(true)],
      ['close', settle(false)],
      ['error', settle(false)],
    ] as const;
    for (const [event, listener] of listeners) stdout.once(event, listener);
  });
}

/** An error as one line for standard error, without the line feed. */
export function errorLine(message: string): string {
  return `segue: ${printableClip(message, MAX_LINE_CHARS)}`;
}

/** Prints an error on standard error. */
export function printError(message: string): void {
  process.stderr.write(`${errorLine(message)}\n`);
}

/** Plain data on one line. A bigint is serialised as a number: JSON has no bigint. */
export function printJson(value: unknown): void {
  print(jsonText(value));
}

export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner));
}

const SIGNS: Record<Action, [Colour, string]> = {
  create: ['green', '+'],
  replace: ['yellow', '~'],
  delete: ['red', '-'],
};

/** `~ port tap-a master sg-100 mtu 1460  (mtu 1500 → 1460)` */
export function changeLine({ action, object, differences }: ChangeText): string {
  const details = differences.map(({ field, desired, actual }) => `${field}: ${show(actual)} → ${show(desired)}`);
  return `${paint(...SIGNS[action])} ${object}${details.length === 0 ? '' : `  (${details.join(', ')})`}`;
}

export function waitingLines(waiting: readonly Waiting[]): string[] {
  const devices = new Map<string, number>();
  for (const { device } of waiting) devices.set(device, (devices.get(device) ?? 0) + 1);
  return [...devices].map(([device, objects]) => `waiting for interface ${device} (${objects} objects)`);
}

export function failureLine({ object, error }: Failure): string {
  return `${object}: ${error.message}`;
}

export function summary(node: string, { done, failures }: Report): string {
  const parts = [`${done.create} created`, `${done.replace} replaced`, `${done.delete} deleted`];
  if (failures.length > 0) parts.push(`${failures.length} failed`);
  return `${node}: ${parts.join(', ')}`;
}

/** A report without internal fields, for `-j`. */
export function reportJson(node: string, { done, failures, waiting, heldBack }: Report): Record<string, unknown> {
  return {
    node,
    ...done,
    waiting: waiting.map(({ kind, key, device }) => ({ kind, key, device })),
    heldBack: heldBack.map(({ kind, key }) => ({ kind, key })),
    failures: failures.map(({ kind, object, error }) => ({
      kind,
      object,
      error: error.message,
      code: (error as { code?: unknown }).code ?? null,
    })),
  };
}

function show(value: unknown): string {
  return value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
}
