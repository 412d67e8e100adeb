/** Checks of `trusted:`: prefixes of the SR domain's nodes that the intent does not have. */
import { prefixContains, prefixOverlaps } from 'netlink-ts/inet';
import { type PrefixField, readIPv6Prefix } from '../fields.js';
import { Refusal } from '../findings.js';
import type { Context } from './context.js';

/** @returns the prefixes, sorted, without those that lie in another */
export function checkTrusted(context: Context, given: readonly (string | undefined)[]): string[] {
  const { findings, block } = context;
  const prefixes: PrefixField[] = [];
  given.forEach((text, i) => {
    if (text === undefined) return;
    const prefix = readIPv6Prefix(text);
    const refuse = (expected: string): void => findings.add(['trusted', i], text, expected);
    if (prefix instanceof Refusal) return refuse(prefix.expected);
    // A trusted SID block would make every address of it a node.
    if (block && prefixContains(prefix, block))
      return refuse(`a prefix that does not hold the SID block ${block.text}`);
    prefixes.push(prefix);
  });
  context.trusted = prefixes;
  const outer = prefixes.filter(
    (one, i) =>
      !prefixes.some((other, j) => j !== i && prefixContains(other, one) && (other.length < one.length || j < i)),
  );
  return outer.map(({ text }) => text).sort();
}

/** What is expected of a prefix outside the SR domain that shares addresses with the domain; undefined for others. */
export function outsideDomain({ block, trusted = [] }: Context, prefix: PrefixField): string | undefined {
  if (block && prefixOverlaps(block, prefix)) return `a prefix outside the SID block ${block.text}`;
  const other = trusted.find((one) => prefixOverlaps(one, prefix));
  return other && `a prefix outside the trusted prefix ${other.text}`;
}
