/** The basis of answers: the agent's node file, and the node's part of its intent. */
import { statSync } from 'node:fs';
import { readIntentCopy } from '../agent/intent-copy.js';
import { readNodeIntent, signatureOfConfig } from '../agent/node-intent.js';
import { runDirectory } from '../agent/run-directory.js';
import { readVersion } from '../agent/version.js';
import { withoutRemotePorts } from '../intent/scope.js';
import { fileSignature } from '../intent/signature.js';
import { netnsIdentity } from 'netlink-ts';
import { busy, Problem } from './problem.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { Basis } from './protocol.js';

/** Size in bytes up to which an intent without a copy is read in this process. */
const SMALL_BYTES = 65_536;

export interface NodeFiles {
  config: NodeConfig;
  configFile: string;
}

export interface Ground extends NodeFiles {
  basis: Basis;
  /** Without ports on other nodes. */
  intent: Intent;
  /** Why the intent is not the present one; undefined: it is. */
  degraded: string | undefined;
}

/** Checks the files' signatures, and reads only changed files. */
export class BasisReader {
  #files: NodeFiles;
  #checkedSignature = '';
  #intent: { intent: Intent; signature: string } | undefined;
  /** The refused version and the reason: it is not read again. */
  #refused: { signature: string; reason: string } | undefined;

  constructor(files: NodeFiles) {
    this.#files = files;
  }

  /** Called when the node file was read again. */
  set files(files: NodeFiles) {
    this.#files = files;
    this.#checkedSignature = '';
    this.#intent = undefined;
    this.#refused = undefined;
  }

  get files(): NodeFiles {
    return this.#files;
  }

  /** Signature of the node file if it contains the agent's configuration; else empty. */
  get nodeFileSignature(): string {
    const { config, configFile } = this.#files;
    const signature = fileSignature(configFile);
    if (signature !== this.#checkedSignature) this.#checkedSignature = signatureOfConfig(config, configFile);
    return signature === this.#checkedSignature ? signature : '';
  }

  /** @throws Problem (503) while there is no intent or no namespace */
  read(): Ground {
    const { config } = this.#files;
    const { reason } = this.#readIntent();
    if (this.#intent === undefined) {
      throw busy('intent-unread', reason ?? `${config.intent}: not read yet`);
    }
    const { intent, signature } = this.#intent;
    const basis: Basis = {
      version: readVersion(),
      node: config.node,
      nodeFile: this.nodeFileSignature,
      intent: config.intent,
      intentSignature: reason === undefined ? signature : '',
      netns: config.netns ?? null,
      netnsIdentity: namespaceOf(config),
    };
    return { ...this.#files, basis, intent, degraded: reason };
  }

  #readIntent(): { reason?: string } {
    const { config, configFile } = this.#files;
    const signature = fileSignature(config.intent);
    if (this.#intent?.signature === signature) return {};
    if (this.#refused?.signature === signature) return { reason: this.#refused.reason };
    const copy = readIntentCopy(runDirectory(config.node), config, signature);
    if (copy !== undefined) {
      this.#intent = { intent: copy, signature };
      return {};
    }
    if ((statSync(config.intent, { throwIfNoEntry: false })?.size ?? 0) > SMALL_BYTES) {
      return { reason: `${config.intent}: the agent has not read it yet, or refused it` };
    }
    try {
      const { intent, signature: read } = readNodeIntent(config, configFile);
      // A file without a signature has just been changed, and is read again.
      if (intent !== undefined) this.#intent = { intent: withoutRemotePorts(intent, config.node), signature: read };
      return read === signature ? {} : { reason: `${config.intent}: changed just now` };
    } catch (error) {
      const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n');
      this.#refused = { signature, reason };
      return { reason };
    }
  }
}

/** @throws Problem (503) if there is none */
function namespaceOf({ netns }: NodeConfig): string {
  if (netns === undefined) {
    const { dev, ino } = statSync('/proc/thread-self/ns/net');
    return `${dev}-${ino}`;
  }
  const identity = netnsIdentity(netns);
  if (identity !== undefined) return identity;
  throw new Problem(503, { code: 'netns-absent', detail: `network namespace ${netns}: expected it to exist` });
}
