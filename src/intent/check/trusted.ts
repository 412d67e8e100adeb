/** Checks of `trusted:`: prefixes of SR domain nodes that are not in the intent. */
import { prefixContains, prefixOverlaps } from 'netlink-ts/inet';
import { type PrefixField, readIPv6Prefix } from '../fields.js';
import { Refusal } from '../findings.js';
import type { Context } from './context.js';

/** @returns the prefixes, sorted, without those inside another */
export function checkTrusted(context: Context, given: readonly (string | undefined)[]): string[] {
  const { findings, block } = context;
  const prefixes: PrefixField[] = [];
  given.forEach((text, i) => {
    if (text === undefined) return;
    const prefix = readIPv6Prefix(text);
    const refuse = (expected: string): void => findings.add(['trusted', i], text, expected);
    if (prefix instanceof Refusal) return refuse(prefix.expected);
    // Trusting the SID block would make all its addresses nodes.
    if (block && prefixContains(prefix, block))
      return refuse(`a prefix that does not contain the SID block ${block.text}`);
    prefixes.push(prefix);
  });
  context.trusted = prefixes;
  const outer = prefixes.filter(
    (one, i) =>
      !prefixes.some((other, j) => j !== i && prefixContains(other, one) && (other.length < one.length || j < i)),
  );
  return outer.map(({ text }) => text).sort();
}

/** The expectation that a prefix fails which should be outside the SR domain but overlaps it; undefined if it does not. */
export function outsideDomain({ block, trusted = [] }: Context, prefix: PrefixField): string | undefined {
  if (block && prefixOverlaps(block, prefix)) return `a prefix outside the SID block ${block.text}`;
  const other = trusted.find((one) => prefixOverlaps(one, prefix));
  return other && `a prefix outside the trusted prefix ${other.text}`;
}
