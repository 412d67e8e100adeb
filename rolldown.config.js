/**
 * The agent's bundle. An ES import of a built-in module reads all that it exports; of node:http and node:crypto that loads an HTTP client, WebSockets
 * and the Web Crypto API, 20 ms of processor for each command. So these two are required, and what is used of them is named here: a name that is
 * missing fails the build.
 */
import { defineConfig } from 'rolldown';

const NAMES = {
  'node:http': ['Agent', 'createServer', 'request', 'STATUS_CODES'],
  'node:crypto': [
    ...['createHash', 'createHmac', 'createPrivateKey', 'randomBytes', 'randomInt', 'randomUUID'],
    'timingSafeEqual',
    'X509Certificate',
  ],
};
/** It uses the Web Crypto API. */
const EXCEPT = /\/dist\/fleet\/pki\//;
const PREFIX = '\0required:';

const requiredBuiltins = {
  name: 'required-builtins',
  resolveId: (id, importer = '') => (id in NAMES && !EXCEPT.test(importer) ? PREFIX + id : null),
  load(id) {
    if (!id.startsWith(PREFIX)) return null;
    const name = id.slice(PREFIX.length);
    return (
      `import { createRequire } from 'node:module';\n` +
      `export const { ${NAMES[name].join(', ')} } = createRequire(import.meta.url)('${name}');`
    );
  },
};

export default defineConfig({
  input: ['dist/cli/main.js', 'dist/agent/intent-worker.js', 'dist/api/api-process.js'],
  platform: 'node',
  external: ['koffi'],
  plugins: [requiredBuiltins],
  output: { dir: 'dist/bin', format: 'esm', cleanDir: true },
});
