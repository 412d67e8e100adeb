import { refuseQuery } from './query.js';
import { replyJson } from './reply.js';
import type { Handler } from './services.js';

export const answerOpenApi: Handler = async ({ query, response }) => {
  refuseQuery(query);
  const { openApi } = await import('./openapi.js');
  replyJson(response, openApi());
};
