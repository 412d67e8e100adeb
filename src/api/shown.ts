/** Answers `segue show`. */
import { CommandError, EXIT } from '../cli/exit.js';
import { refuseUnknownTenant } from '../cli/names.js';
import { withReader } from '../cli/open.js';
import { jsonText } from '../cli/print.js';
import { refuseForeignOptions, viewOf } from '../cli/show/shown.js';
import { showContext } from '../observe/inspect/context.js';
import { NetnsError } from 'netlink-ts';
import { AnswerOutput, sendAnswer } from './answer.js';
import { Problem } from './problem.js';
import { BAD_INPUT, encodeHeader, HEADER, JSON_TYPE, TEXT } from './protocol.js';
import { readFormat, readShownQuery } from './query.js';
import type { ShownName, ShownOptions } from '../cli/show/shown.js';
import type { ShowContext } from '../observe/inspect/context.js';
import type { Answer } from './answer.js';
import type { Ground } from './basis.js';
import type { Request, Services } from './services.js';

/** Answers with the output of `segue show <what>`, as JSON or, if text is requested, as its table. */
export async function answerShown(what: ShownName, request: Request, services: Services): Promise<void> {
  const { query, headers, response } = request;
  const format = readFormat(headers.accept);
  const options: ShownOptions = { ...readShownQuery(query), json: format === 'json' };
  const { cache, turns, basis: reader } = services;
  const key = JSON.stringify([what, options, reader.nodeFileSignature]);
  const kept = headers['cache-control'] === 'no-cache' ? undefined : cache.get(key);
  if (kept !== undefined) {
    sendAnswer(response, kept);
    return;
  }
  const answer = await asProblem(async () => {
    refuseForeignOptions(what, options);
    const view = await viewOf(what, options);
    const walk = (): Promise<Answer | undefined> =>
      withContext(reader.read(), async (context, ground) => {
        refuseUnknownTenant(options.tenant, context);
        const output = new AnswerOutput(response, headersOf(ground, context, format), turns, services.long);
        try {
          const shown = await view(context, options, output);
          if (shown === undefined) return output.end();
          const { json, lines, note } = shown;
          const body = format === 'json' ? `${jsonText(json)}\n` : lines.map((line) => `${line}\n`).join('');
          const notes = note === undefined || format === 'json' ? [] : [note];
          return { status: 200, headers: headersOf(ground, context, format), body, notes };
        } finally {
          output.close();
        }
      });
    return turns.run(walk, () => !response.destroyed);
  }, reader);
  if (answer === undefined) return;
  cache.put(key, answer);
  sendAnswer(response, answer);
}

/** Opens the node's kernel for a walk, like a command. */
export function withContext<T>(ground: Ground, use: (context: ShowContext, ground: Ground) => Promise<T>): Promise<T> {
  const { config, intent } = ground;
  return withReader(config, async (instance) => {
    if (!instance.kernel.isCurrent()) {
      throw new Problem(503, {
        code: 'netns-absent',
        detail: `network namespace ${config.netns ?? ''}: it was replaced`,
      });
    }
    return use(showContext(instance, intent, elsewhere), ground);
  });
}

/** Only this node's ports are known here. */
function elsewhere(name: string): never {
  throw new Problem(404, {
    code: 'unknown-port',
    detail: `port=${name}: expected a port of this node, or its interface`,
  });
}

function headersOf(
  { basis, degraded }: Ground,
  { unreadable }: ShowContext,
  format: 'json' | 'text',
): Record<string, string> {
  const why = unreadable ?? degraded;
  return {
    'content-type': format === 'json' ? JSON_TYPE : `${TEXT}; charset=utf-8`,
    'cache-control': 'no-store',
    [HEADER.basis]: encodeHeader(basis),
    ...(why !== undefined && { [HEADER.degraded]: encodeHeader(why) }),
  };
}

/** Converts errors of commands to problems. */
async function asProblem<T>(answer: () => Promise<T>, reader: Services['basis']): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof NetnsError) throw new Problem(503, { code: 'netns-absent', detail: error.message });
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.badInput) throw error;
    const headers = { [HEADER.basis]: encodeHeader(reader.read().basis) };
    throw new Problem(400, { code: BAD_INPUT, detail: error.message, headers });
  }
}
