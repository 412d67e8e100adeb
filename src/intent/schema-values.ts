/** Schemas of single values, used in those of files. A message is the end of the sentence "expected …". */
import { z } from 'zod';

export const text = (expected: string) => z.string({ error: expected });

export const integer = (least: number, most: number, what: string) => {
  const error = `${what} from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

/** A non-empty list. */
export const some = <T extends z.ZodType>(item: T, expected: string) =>
  z.array(item, { error: expected }).min(1, { error: expected });

export const PREFIX = 'a prefix, address/length';
export const NAME = 'a name (text)';
export const NODE_NAME = 'the name of a node (text)';
export const TENANT_NAME = 'the name of a tenant (text)';
