/** Checks the port guard, by querying the nftables sets that it uses. */
import { familyOf, prefixContains } from 'netlink-ts/inet';
import { NftError } from '../../kernel/nft.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { AttachedSource } from './source.js';
import type { TraceLog } from './trace-log.js';

/** Destinations that are never forwarded (RFC 4291 section 2.5.6 and 2.7, RFC 5771, RFC 3927). */
const LINK_SCOPE = ['fe80::/10', 'ff00::/8', '224.0.0.0/4', '169.254.0.0/16', '255.255.255.255/32'];

/**
 * Second step: checks source and destination in the order of the guard's chains.
 *
 * @param sidBlock from the intent; undefined: queried from the guard's own set
 */
export async function checkGuard(
  kernel: Kernel,
  source: AttachedSource,
  to: string,
  traceLog: TraceLog,
): Promise<void> {
  const family = familyOf(to);
  const device = `"${source.interface}"`;
  if (LINK_SCOPE.some((prefix) => prefixContains(prefix, to))) {
    traceLog.drop('guard', 'link-scope', `${to} has link scope`, `${to} stays on the link: it is not forwarded`);
  }
  if (!(await has(kernel, 'ports', device))) {
    traceLog.warn('guard', `${source.interface} is not guarded: nft table inet segue does not contain it`, {
      guarded: false,
    });
    return;
  }
  if (family === 6 && (await has(kernel, 'block', to))) {
    traceLog.drop('guard', 'domain-address', `daddr ${to} in @block`, 'no tenant may send to the SID block', {
      guarded: true,
      block: true,
    });
  }
  const element = `${device} . ${source.from}`;
  const own = (await has(kernel, `sources${family}`, element)) || (await has(kernel, `prefixes${family}`, element));
  if (!own) {
    const why = `${source.from} is not an address of ${source.port}: the guard drops forged sources`;
    traceLog.drop('guard', 'source-not-port', `${element} not in @sources${family}`, why, {
      guarded: true,
      source: source.from,
    });
  }
  traceLog.pass('guard', `source ${source.from} is the port's`, { guarded: true, source: source.from });
}

/** Whether one of the guard's sets has an element; false if table or set do not exist. */
async function has(kernel: Kernel, set: string, element: string): Promise<boolean> {
  try {
    await kernel.nft(['get', 'element', 'inet', 'segue', set, `{ ${element} }`]);
    return true;
  } catch (error) {
    if (error instanceof NftError && error.message.includes('No such file or directory')) return false;
    throw error;
  }
}
