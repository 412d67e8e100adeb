/** Relays Prometheus's TCP requests to agents' sockets: `/<node>/metrics` is the node's own answer, byte for byte. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { socketOf } from '../api/client.js';

export interface Relay {
  port: number;
  close(): void;
}

export async function startRelay(): Promise<Relay> {
  const server = createServer((asked, response) => {
    const [, node = '', ...path] = (asked.url ?? '').split('/');
    const options = {
      socketPath: socketOf(node),
      path: `/${path.join('/')}`,
      headers: { accept: asked.headers.accept },
    };
    const own = request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    own.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
    own.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
